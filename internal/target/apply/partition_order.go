package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// The partitions of a topic may be read in another order than that of their changes: another member
// of the group had some of them, or partitions were added and keys have moved. A change that may
// have been in another partition is then judged by the row positions of its key. It has been
// applied if its own position is stored. It is late, and is inserted into history, if a later
// change has a position. It is new if neither holds and the last change of the key has its
// position.

// judgeByPositions finds which of the suspects have been applied, are late or are new, by the
// positions of the versions of their keys. Where they do not show it, the result of findRepeated
// stays.
func (r *batchTx) judgeByPositions(ctx context.Context, t *tableState, match sqlgen.KeyMatch, f *history.FoldedChunk, suspects []bool, m *history.Matches) error {
	asked, from := r.selectPositioned(f, suspects)
	if asked == nil {
		return nil
	}
	keys, err := r.loadLastingVersions(ctx, match, f, asked)
	if err != nil {
		return err
	}
	ids := make(map[int64]bool)
	for i := range asked {
		if !asked[i] {
			continue
		}
		ids[history.KeyPositionID(&r.batch.Events[f.Changes[i].Event])] = true
		for _, v := range keys[i] {
			ids[v.ID] = true
			// The change that made a version which lasts shows whether the event follows it.
			from = min(from, v.Start)
		}
	}
	positions, err := r.loadPositionsOf(ctx, t, slices.Collect(maps.Keys(ids)), from)
	if err != nil {
		return err
	}
	judge := history.PositionJudge{Positions: positions, Truncations: t.truncations, Matches: m}
	for i := range asked {
		if asked[i] {
			judge.JudgeChange(&r.batch.Events[f.Changes[i].Event], i, keys[i])
		}
	}
	return nil
}

// selectPositioned returns marks of the suspects that have a position in a topic of several
// partitions, nil if there are no such suspects, and the earliest of their times.
func (r *batchTx) selectPositioned(f *history.FoldedChunk, suspects []bool) (asked []bool, from change.Micros) {
	for i, suspect := range suspects {
		it := &f.Changes[i]
		if !suspect || !it.MayHaveMoved || r.retried != nil {
			continue
		}
		if asked == nil || it.At < from {
			from = it.At
		}
		asked = history.SetMark(asked, i, len(f.Changes))
	}
	return asked, from
}

// loadLastingVersions returns, for each marked change, the versions of its key that end at its time
// or later, in the order of their ends.
func (r *batchTx) loadLastingVersions(ctx context.Context, match sqlgen.KeyMatch, f *history.FoldedChunk, asked []bool) (map[int][]history.LastingVersion, error) {
	rows, err := r.tx.Query(ctx, match.LastingVersions(f.MissingColumns(asked)), asked)
	if err != nil {
		return nil, fmt.Errorf("find versions by their positions: %w", err)
	}
	found := make(map[int][]history.LastingVersion)
	var ord int
	var v history.LastingVersion
	var start, end time.Time
	_, err = pgx.ForEachRow(rows, []any{&ord, &v.ID, &start, &end, &v.Current, &v.SameValues}, func() error {
		v.Start, v.End = pgbinary.MicrosOf(start), pgbinary.MicrosOf(end)
		found[ord] = append(found[ord], v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find versions by their positions: %w", err)
	}
	return found, nil
}

// loadPositionsOf returns the positions of versions from a time on. Earlier ones that are stored
// with those may be among them.
func (r *batchTx) loadPositionsOf(ctx context.Context, t *tableState, ids []int64, from change.Micros) (map[int64][]history.RowPosition, error) {
	found := make(map[int64][]history.RowPosition, len(ids))
	for _, id := range ids {
		found[id] = nil
	}
	stored, err := r.readPositions(ctx, t, from, "u.id = ANY ($4)", ids)
	if err != nil {
		return nil, err
	}
	for _, p := range stored {
		found[p.ID] = append(found[p.ID], p)
	}
	for _, p := range t.positions {
		if known, asked := found[p.ID]; asked {
			found[p.ID] = append(known, p)
		}
	}
	return found, nil
}

// findSuperseded returns a history.LateError with the late changes, which are inserted into history, or
// nil.
func (r *batchTx) findSuperseded(f *history.FoldedChunk, m *history.Matches) error {
	if len(m.SupersededBy) == 0 {
		return nil
	}
	late := &history.LateError{}
	for i := range f.Changes {
		if later, behind := m.SupersededBy[i]; behind && !m.Repeated[i] {
			event := f.Changes[i].Event
			late.Events = append(late.Events, event)
			if r.supersededBy == nil {
				r.supersededBy = make(map[change.Position]history.RowPosition)
			}
			r.supersededBy[r.batch.Events[event].Position] = later
		}
	}
	slices.Sort(late.Events)
	return late
}
