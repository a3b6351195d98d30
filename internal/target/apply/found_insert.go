package apply

import (
	"context"

	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
)

// An insert that equals its current row may be a repetition, or may follow a truncate that has not
// been read yet. The row is the same in both cases and does not change. The position of the insert
// is stored for that truncate. The position of a repetition has no effect: no truncate before it is
// later than the start of its row's version.

// noteFoundInserts records the positions of suspect inserts that count as repetitions because their
// rows exist.
func (r *batchTx) noteFoundInserts(ctx context.Context, t *tableState, match sqlgen.KeyMatch, f *history.FoldedChunk, suspects []bool, m *history.Matches) error {
	var inserts []bool
	for i, suspect := range suspects {
		if e := &r.batch.Events[f.Changes[i].Event]; suspect && m.Repeated[i] && e.Created && history.MayHaveMoved(e) {
			inserts = history.SetMark(inserts, i, len(f.Changes))
		}
	}
	if inserts == nil {
		return nil
	}
	versions, err := r.loadLastingVersions(ctx, match, f, inserts)
	if err != nil {
		return err
	}
	for i, lasting := range versions {
		e := &r.batch.Events[f.Changes[i].Event]
		for _, v := range lasting {
			if v.SameValues && v.Start <= e.Time && e.Time < v.End {
				t.positions.NoteFound(e, v.ID)
			}
		}
	}
	return nil
}
