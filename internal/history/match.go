package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// match asks PostgreSQL about the items in the stage.
func (r *run) match(ctx context.Context, t *target, c *chunk, f *folded, st *stage) (*matches, error) {
	m := newMatches(len(f.items))
	m.nulled = r.nulledFields(t, c)
	m.nulledLong = func(ord, i int) {
		r.warnNulled(t, m.nulled[i:i+1], &f.items[ord], func(int) bool { return true })
	}
	for nulls := range f.nulls {
		if err := r.matchCurrent(ctx, t.table, c.key, nulls, st, m); err != nil {
			return nil, err
		}
	}
	if f.multiple {
		if err := r.matchNeighbours(ctx, t.table, st, m); err != nil {
			return nil, err
		}
	}
	m.noteRepeated(f)
	early, suspects := m.questions(f, t.table.LastEnd)
	same, err := r.positionsOfSuspects(ctx, t, f, suspects)
	if err != nil {
		return nil, err
	}
	for nulls := range f.nulls {
		if err := r.matchLastEnds(ctx, t.table, c.key, nulls, st, early, m); err != nil {
			return nil, err
		}
		if err := r.matchRepeated(ctx, t.table, c, nulls, f, st, suspects, same, m); err != nil {
			return nil, err
		}
		if err := r.matchPositions(ctx, t, nulls, f, st, suspects, m); err != nil {
			return nil, err
		}
		if err := r.noteFoundInserts(ctx, t, nulls, f, st, suspects, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// questions returns what history has to be asked, one answer for each item, nil
// where there is none: which chains have no current row, or delete it, and could
// begin before their key was last current, and which items may be repetitions.
func (m *matches) questions(f *folded, lastEnd change.Micros) (early, suspects []bool) {
	head := 0
	for i := range f.items {
		it := &f.items[i]
		if it.head {
			head = i
		}
		current := m.current(head)
		afterDelete := !it.head && !it.follows
		if (it.upsert || it.truncated != 0) && (len(current) == 0 || afterDelete) && it.at <= lastEnd {
			early = marked(early, head, len(f.items))
		}
		if it.suspect && !it.repeated && (it.moved || !(it.head && len(current) == 1 && current[0].equal)) {
			suspects = marked(suspects, i, len(f.items))
		}
	}
	return early, suspects
}

// noteRepeated notes the items that have been applied before.
func (m *matches) noteRepeated(f *folded) {
	for i := range f.items {
		if f.items[i].repeated {
			m.repeat(i)
		}
	}
}

// marked marks item i of n. Arrays as long as the chunk cost a statement nothing
// to look something up in.
func marked(marks []bool, i, n int) []bool {
	if marks == nil {
		marks = make([]bool, n)
	}
	marks[i] = true
	return marks
}

// nullsIn returns the pattern of the key of an event's row.
func nullsIn(shape *change.Shape, row change.Row) pattern {
	var p pattern
	for k, at := range shape.Key {
		if row.Cell(at).State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// nullsInKey returns the pattern of a row that has the key's cells alone.
func nullsInKey(key change.Row) pattern {
	var p pattern
	for k, cell := range key.Cells() {
		if cell.State != change.Present {
			p |= 1 << k
		}
	}
	return p
}

// matchCurrent finds the current rows of the chains, and whether the chain's
// first version equals them.
func (r *run) matchCurrent(ctx context.Context, t *catalog.Table, key []int, nulls pattern, st *stage, m *matches) error {
	sql := "SELECT s.ord, c.__id, c.__start, c.ctid, s.upsert AND " + sameImage(t) + isLongWhereNull(t, m.nulled) +
		" FROM " + st.SQL() + " s JOIN " + t.Current.SQL() + " c ON " + sameKey(t, key, nulls) +
		" WHERE s.head"
	// This is read for every row of the stream: the bytes as PostgreSQL sends
	// them, binary, since their types are known.
	rows, err := r.tx.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	for rows.Next() {
		raw := rows.RawValues()
		m.add(int(int32(binary.BigEndian.Uint32(raw[0]))), matched{
			id:    int64(binary.BigEndian.Uint64(raw[1])),
			start: change.Micros(binary.BigEndian.Uint64(raw[2])) + pgEpoch,
			place: readTID(raw[3]),
			equal: raw[4][0] != 0,
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

// matchNeighbours finds the items that equal the one before them. The items of
// a chain stand behind one another in the stage's order.
func (r *run) matchNeighbours(ctx context.Context, t *catalog.Table, st *stage, m *matches) error {
	row := "ROW(" + trimComma(stagedColumns(t, "")) + ")"
	sql := "SELECT ord FROM (SELECT ord, follows AND upsert AND record_image_eq(" + row + ", lag(" + row + ") OVER (ORDER BY ord)) AS same FROM " +
		st.SQL() + " AS i WHERE NOT probe) s WHERE same"
	ords, err := r.ords(ctx, sql)
	if err != nil {
		return fmt.Errorf("compare versions: %w", err)
	}
	m.same = ords
	return nil
}

// matchLastEnds finds when keys without a current row were last current.
func (r *run) matchLastEnds(ctx context.Context, t *catalog.Table, key []int, nulls pattern, st *stage, heads []bool, m *matches) error {
	if heads == nil {
		return nil
	}
	sql := "SELECT s.ord, max(c.__end) FROM " + st.SQL() + " s JOIN " + t.History.SQL() + " c ON " + sameKey(t, key, nulls) +
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
		m.lastEnd[ord] = micros(end)
		return nil
	})
	if err != nil {
		return fmt.Errorf("find last ends: %w", err)
	}
	return nil
}

// matchRepeated finds which of the suspects have been applied before. What has left
// its trace in the versions of the key: one that began with it, or that a delete ended
// with it, or, where it altered nothing, one with its values that lasted through its time.
// Where the key has changed later the event has been there too, since the changes of a key
// come in their order; and then it could not become current anyway. A delete may have had nothing
// to end. Values that the event does not have count as the same. An event has not been there where
// another one precedes it that has its time, and whose version goes on with other values.
func (r *run) matchRepeated(ctx context.Context, t *catalog.Table, c *chunk, nulls pattern, f *folded, st *stage, suspects []bool, same *samePositions, m *matches) error {
	if suspects == nil {
		return nil
	}
	missing := f.missing(suspects)
	had := func(condition string) string {
		return "EXISTS (SELECT FROM " + t.Main.SQL() + " c WHERE " + sameKey(t, c.key, nulls) + " AND " + condition + ")"
	}
	begins := ""
	if same != nil { // an insert begins a version: what ended with its time was there before
		begins = " AND (c.__end > s.at OR NOT ($5::boolean[])[s.ord + 1] OR c.__start >= s.at AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)" +
			" WHERE p.id = c.__id AND p.lsn < ($4::bigint[])[s.ord + 1]))"
	}
	sql := "SELECT s.ord FROM " + st.SQL() + " s WHERE ($1::boolean[])[s.ord + 1] AND CASE WHEN s.upsert THEN " +
		had("(c.__start > s.at OR s.at <= c.__end AND "+sameImageBut(t, missing)+begins+")") +
		" ELSE " + hasKey(c.key, nulls) + " AND (" + had("(c.__start > s.at OR c.__end = s.at AND NOT c.__current)") +
		" OR NOT " + had("c.__start <= s.at AND s.at < c.__end") + ") END"
	args := []any{suspects}
	if same != nil {
		sql += " AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn) JOIN " + t.Main.SQL() + " c ON c.__id = p.id WHERE " + sameKey(t, c.key, nulls) +
			" AND c.__start = s.at AND c.__end > s.at AND p.lsn < ($4::bigint[])[s.ord + 1] AND NOT (s.upsert AND " + sameImageBut(t, missing) + "))"
		args = append(args, same.ids, same.lsns, same.ofItems, same.inserts)
	}
	ords, err := r.ords(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("look for repetitions: %w", err)
	}
	for ord := range ords {
		m.repeat(ord)
	}
	return nil
}

// missing returns the columns that some of the items that are asked about have no value of.
func (f *folded) missing(asked []bool) map[int]bool {
	missing := make(map[int]bool)
	for i := range asked {
		if !asked[i] {
			continue
		}
		for _, at := range f.items[i].unavailable {
			missing[f.chunk.fields[at].column] = true
		}
	}
	return missing
}

// ords runs a query that answers numbers of items.
func (r *run) ords(ctx context.Context, sql string, args ...any) (map[int]bool, error) {
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
