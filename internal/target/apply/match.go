package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// loadMatches reads from PostgreSQL how the changes in the stage relate to the rows of the table:
// current rows, equal rows, last ends, repetitions and late changes.
func (r *batchTx) loadMatches(ctx context.Context, t *tableState, c *history.Chunk, f *history.FoldedChunk, st *sqlgen.Stage) (*history.Matches, error) {
	m := history.NewMatches(len(f.Changes))
	found := foundRows{matches: m, nulled: r.nulledFields(t, c)}
	found.nulledLong = func(ord, i int) {
		r.warnNulled(t, found.nulled[i:i+1], &f.Changes[ord], func(int) bool { return true })
	}
	for nulls := range f.NullPatterns {
		if err := r.loadCurrent(ctx, sqlgen.KeyMatch{Table: t.table, Stage: st, Key: c.KeyIndexes, Nulls: nulls}, found); err != nil {
			return nil, err
		}
	}
	if f.SeveralPerKey {
		if err := r.compareNeighbours(ctx, t.table, st, m); err != nil {
			return nil, err
		}
	}
	m.NoteRepeated(f)
	early, suspects := m.HistoryQuestions(f, t.table.LastEnd)
	same, err := r.positionsOfSuspects(ctx, t, f, suspects)
	if err != nil {
		return nil, err
	}
	for nulls := range f.NullPatterns {
		match := sqlgen.KeyMatch{Table: t.table, Stage: st, Key: c.KeyIndexes, Nulls: nulls}
		if err := r.loadLastEnds(ctx, match, early, m); err != nil {
			return nil, err
		}
		if err := r.findEndedByEndsync(ctx, t, match, f, suspects, m); err != nil {
			return nil, err
		}
		if err := r.findRepeated(ctx, match, f, suspects, same, m); err != nil {
			return nil, err
		}
		if err := r.judgeByPositions(ctx, t, match, f, suspects, m); err != nil {
			return nil, err
		}
		if err := r.noteFoundInserts(ctx, t, match, f, suspects, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// foundRows is the destination of the current rows of a chunk. nulled are fields in which NULL may
// represent an unchanged value. nulledLong is called with a change and the index in nulled of a
// field with a long value in the current row.
type foundRows struct {
	matches    *history.Matches
	nulled     []nulledField
	nulledLong func(ord, i int)
}

// loadCurrent finds the current rows of the chains, and whether the first version of each chain
// equals them.
func (r *batchTx) loadCurrent(ctx context.Context, match sqlgen.KeyMatch, found foundRows) error {
	// The result has a row for nearly each row of the stream, so its binary fields are read
	// directly. Their types are fixed by the statement.
	rows, err := r.tx.Query(ctx, match.CurrentRows(columnsOf(found.nulled)))
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	for rows.Next() {
		raw := rows.RawValues()
		found.matches.AddCurrent(int(int32(binary.BigEndian.Uint32(raw[0]))), history.CurrentRow{
			ID:         int64(binary.BigEndian.Uint64(raw[1])),
			Start:      pgbinary.ReadTimestamptz(raw[2]),
			CTID:       readCtid(raw[3]),
			SameValues: raw[4][0] != 0,
		})
		for i, long := range raw[5:] {
			if long[0] != 0 {
				found.nulledLong(int(int32(binary.BigEndian.Uint32(raw[0]))), i)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	return nil
}

// compareNeighbours finds the changes that equal the change before them in their chain.
func (r *batchTx) compareNeighbours(ctx context.Context, t *catalog.Table, st *sqlgen.Stage, m *history.Matches) error {
	ords, err := r.queryOrds(ctx, sqlgen.EqualNeighbours(t, st))
	if err != nil {
		return fmt.Errorf("compare versions: %w", err)
	}
	m.Unchanged = ords
	return nil
}

// loadLastEnds finds the last __end of keys without a current row.
func (r *batchTx) loadLastEnds(ctx context.Context, match sqlgen.KeyMatch, heads []bool, m *history.Matches) error {
	if heads == nil {
		return nil
	}
	rows, err := r.tx.Query(ctx, match.LastEnds(), heads)
	if err != nil {
		return fmt.Errorf("find last ends: %w", err)
	}
	if m.LastEnd == nil {
		m.LastEnd = make(map[int]change.Micros)
	}
	var ord int
	var end time.Time
	_, err = pgx.ForEachRow(rows, []any{&ord, &end}, func() error {
		m.LastEnd[ord] = pgbinary.MicrosOf(end)
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
func (r *batchTx) findRepeated(ctx context.Context, match sqlgen.KeyMatch, f *history.FoldedChunk, suspects []bool, same *sameTimePositions, m *history.Matches) error {
	if suspects == nil {
		return nil
	}
	args := []any{suspects}
	if same != nil {
		args = append(args, same.ids, same.lsns, same.ofChanges, same.inserts)
	}
	ords, err := r.queryOrds(ctx, match.Repeated(f.MissingColumns(suspects), same != nil), args...)
	if err != nil {
		return fmt.Errorf("look for repetitions: %w", err)
	}
	for ord := range ords {
		m.MarkRepeated(ord)
	}
	return nil
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
