package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// loadMatches reads from PostgreSQL how the changes in the stage relate to the rows of the table:
// current rows, equal rows, last ends, repetitions and late changes.
func (r *batchTx) loadMatches(ctx context.Context, t *tableState, c *chunk, f *foldedChunk, st *stage) (*chunkMatches, error) {
	m := newChunkMatches(len(f.changes))
	m.nulled = r.nulledFields(t, c)
	m.nulledLong = func(ord, i int) {
		r.warnNulled(t, m.nulled[i:i+1], &f.changes[ord], func(int) bool { return true })
	}
	for nulls := range f.nullPatterns {
		if err := r.loadCurrent(ctx, t.table, c.keyIndexes, nulls, st, m); err != nil {
			return nil, err
		}
	}
	if f.severalPerKey {
		if err := r.compareNeighbours(ctx, t.table, st, m); err != nil {
			return nil, err
		}
	}
	m.noteRepeated(f)
	early, suspects := m.historyQuestions(f, t.table.LastEnd)
	same, err := r.positionsOfSuspects(ctx, t, f, suspects)
	if err != nil {
		return nil, err
	}
	for nulls := range f.nullPatterns {
		if err := r.loadLastEnds(ctx, t.table, c.keyIndexes, nulls, st, early, m); err != nil {
			return nil, err
		}
		if err := r.findEndedByEndsync(ctx, t, nulls, f, st, suspects, m); err != nil {
			return nil, err
		}
		if err := r.findRepeated(ctx, t.table, c, nulls, f, st, suspects, same, m); err != nil {
			return nil, err
		}
		if err := r.judgeByPositions(ctx, t, nulls, f, st, suspects, m); err != nil {
			return nil, err
		}
		if err := r.noteFoundInserts(ctx, t, nulls, f, st, suspects, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// historyQuestions returns the changes for which history has to be read, as marks by change; a
// slice without marks is nil. early marks the heads of chains that have no current row, or delete
// it, and may begin before the key was last current. suspects marks the changes that may be
// repetitions.
func (m *chunkMatches) historyQuestions(f *foldedChunk, lastEnd change.Micros) (early, suspects []bool) {
	head := 0
	for i := range f.changes {
		it := &f.changes[i]
		if it.head {
			head = i
		}
		current := m.currentRows(head)
		afterDelete := !it.head && !it.followsUpsert
		if (it.upsert || it.truncatedAt != 0) && (len(current) == 0 || afterDelete) && it.at <= lastEnd {
			early = setMark(early, head, len(f.changes))
		}
		if it.suspect && !it.repeated && (it.mayHaveMoved || !(it.head && len(current) == 1 && current[0].sameValues)) {
			suspects = setMark(suspects, i, len(f.changes))
		}
	}
	return early, suspects
}

// noteRepeated marks the changes that are certainly repetitions.
func (m *chunkMatches) noteRepeated(f *foldedChunk) {
	for i := range f.changes {
		if f.changes[i].repeated {
			m.markRepeated(i)
		}
	}
}

// setMark sets mark i of n, and makes the slice with the first mark. It is as long as the chunk
// because a statement finds an element by s.ord without a join.
func setMark(marks []bool, i, n int) []bool {
	if marks == nil {
		marks = make([]bool, n)
	}
	marks[i] = true
	return marks
}

// nullsOfRow returns the null pattern of the key in an event's row.
func nullsOfRow(shape *change.Shape, row change.Row) nullPattern {
	var p nullPattern
	for k, at := range shape.Key {
		if row.Cell(at).State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// nullsOfKey returns the null pattern of a row that has the cells of the key only.
func nullsOfKey(key change.Row) nullPattern {
	var p nullPattern
	for k, cell := range key.Cells() {
		if cell.State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// loadCurrent finds the current rows of the chains, and whether the first version of each chain
// equals them.
func (r *batchTx) loadCurrent(ctx context.Context, t *catalog.Table, key []int, nulls nullPattern, st *stage, m *chunkMatches) error {
	sql := "SELECT s.ord, c.__id, c.__start, c.ctid, s.upsert AND " + sameImageSQL(t) + longValueColumnsOfStage(t, m.nulled) +
		" FROM " + st.SQL() + " s JOIN " + t.Current.SQL() + " c ON " + sameKeySQL(t, key, nulls) +
		" WHERE s.head"
	// The result has a row for nearly each row of the stream, so its binary fields are read
	// directly. Their types are fixed by the statement.
	rows, err := r.tx.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	for rows.Next() {
		raw := rows.RawValues()
		m.addCurrent(int(int32(binary.BigEndian.Uint32(raw[0]))), currentRow{
			id:         int64(binary.BigEndian.Uint64(raw[1])),
			start:      change.Micros(binary.BigEndian.Uint64(raw[2])) + pgEpoch,
			ctid:       readCtid(raw[3]),
			sameValues: raw[4][0] != 0,
		})
		for i, long := range raw[5:] {
			if long[0] != 0 {
				m.nulledLong(int(int32(binary.BigEndian.Uint32(raw[0]))), i)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	return nil
}

// compareNeighbours finds the changes that equal the change before them in their chain. The order
// by ord puts the changes of a chain next to one another.
func (r *batchTx) compareNeighbours(ctx context.Context, t *catalog.Table, st *stage, m *chunkMatches) error {
	row := "ROW(" + trimComma(stagedColumns(t, "")) + ")"
	sql := "SELECT ord FROM (SELECT ord, follows AND upsert AND record_image_eq(" + row + ", lag(" + row + ") OVER (ORDER BY ord)) AS same FROM " +
		st.SQL() + " AS i WHERE NOT probe) s WHERE same"
	ords, err := r.queryOrds(ctx, sql)
	if err != nil {
		return fmt.Errorf("compare versions: %w", err)
	}
	m.unchanged = ords
	return nil
}

// loadLastEnds finds the last __end of keys without a current row.
func (r *batchTx) loadLastEnds(ctx context.Context, t *catalog.Table, key []int, nulls nullPattern, st *stage, heads []bool, m *chunkMatches) error {
	if heads == nil {
		return nil
	}
	sql := "SELECT s.ord, max(c.__end) FROM " + st.SQL() + " s JOIN " + t.History.SQL() + " c ON " + sameKeySQL(t, key, nulls) +
		" WHERE ($1::boolean[])[s.ord + 1] GROUP BY s.ord"
	rows, err := r.tx.Query(ctx, sql, heads)
	if err != nil {
		return fmt.Errorf("find last ends: %w", err)
	}
	if m.lastEnd == nil {
		m.lastEnd = make(map[int]change.Micros)
	}
	var ord int
	var end time.Time
	_, err = pgx.ForEachRow(rows, []any{&ord, &end}, func() error {
		m.lastEnd[ord] = microsOf(end)
		return nil
	})
	if err != nil {
		return fmt.Errorf("find last ends: %w", err)
	}
	return nil
}

// findRepeated finds the suspects that have been applied before, by their traces in the versions of
// the key: a version that began later than the event; for a delete, a version that ended at its
// time; for an upsert, a version with its values that lasted through its time. A later version is
// proof because the changes of a key arrive in order, and the event could not become current in any
// case. A delete also counts as applied where no version covers its time. Unavailable values count
// as equal.
//
// An event has not been applied if an earlier change with the same time began a version that lasts
// longer and has other values. The positions in same show that.
func (r *batchTx) findRepeated(ctx context.Context, t *catalog.Table, c *chunk, nulls nullPattern, f *foldedChunk, st *stage, suspects []bool, same *sameTimePositions, m *chunkMatches) error {
	if suspects == nil {
		return nil
	}
	missing := f.missingColumns(suspects)
	had := func(condition string) string {
		return "EXISTS (SELECT FROM " + t.Main.SQL() + " c WHERE " + sameKeySQL(t, c.keyIndexes, nulls) + " AND " + condition + ")"
	}
	begins := ""
	if same != nil { // an insert begins a version: one that ended at its time existed before it
		begins = " AND (c.__end > s.at OR NOT ($5::boolean[])[s.ord + 1] OR c.__start >= s.at AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)" +
			" WHERE p.id = c.__id AND p.lsn < ($4::bigint[])[s.ord + 1]))"
	}
	sql := "SELECT s.ord FROM " + st.SQL() + " s WHERE ($1::boolean[])[s.ord + 1] AND CASE WHEN s.upsert THEN " +
		had("(c.__start > s.at OR s.at <= c.__end AND "+sameImageExceptSQL(t, missing)+begins+")") +
		" ELSE " + hasKeySQL(c.keyIndexes, nulls) + " AND (" + had("(c.__start > s.at OR c.__end = s.at AND NOT c.__current)") +
		" OR NOT " + had("c.__start <= s.at AND s.at < c.__end") + ") END"
	args := []any{suspects}
	if same != nil {
		sql += " AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn) JOIN " + t.Main.SQL() + " c ON c.__id = p.id WHERE " + sameKeySQL(t, c.keyIndexes, nulls) +
			" AND c.__start = s.at AND c.__end > s.at AND p.lsn < ($4::bigint[])[s.ord + 1] AND NOT (s.upsert AND " + sameImageExceptSQL(t, missing) + "))"
		args = append(args, same.ids, same.lsns, same.ofChanges, same.inserts)
	}
	ords, err := r.queryOrds(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("look for repetitions: %w", err)
	}
	for ord := range ords {
		m.markRepeated(ord)
	}
	return nil
}

// missingColumns returns the columns for which at least one of the marked changes has no value.
func (f *foldedChunk) missingColumns(asked []bool) map[int]bool {
	missing := make(map[int]bool)
	for i := range asked {
		if !asked[i] {
			continue
		}
		for _, at := range f.changes[i].unavailable {
			missing[f.chunk.fields[at].column] = true
		}
	}
	return missing
}

// queryOrds runs a query that returns numbers of changes.
func (r *batchTx) queryOrds(ctx context.Context, sql string, args ...any) (map[int]bool, error) {
	rows, err := r.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	found := make(map[int]bool)
	var ord int
	_, err = pgx.ForEachRow(rows, []any{&ord}, func() error {
		found[ord] = true
		return nil
	})
	return found, err
}
