package apply

import (
	"context"

	"metadb/internal/change"
)

// An insert that equals its current row may be a repetition, or may follow a truncate that has not
// been read yet. The row is the same in both cases and does not change. The position of the insert
// is stored for that truncate. The position of a repetition has no effect: no truncate before it is
// later than the start of its row's version.

// noteFoundInserts records the positions of suspect inserts that count as repetitions because their
// rows exist.
func (r *batchTx) noteFoundInserts(ctx context.Context, t *tableState, nulls nullPattern, f *foldedChunk, st *stage, suspects []bool, m *chunkMatches) error {
	var inserts []bool
	for i, suspect := range suspects {
		if e := &r.batch.Events[f.changes[i].event]; suspect && m.repeated[i] && e.Created && mayHaveMoved(e) {
			inserts = setMark(inserts, i, len(f.changes))
		}
	}
	if inserts == nil {
		return nil
	}
	versions, err := r.loadLastingVersions(ctx, t, f, nulls, st, inserts)
	if err != nil {
		return err
	}
	for i, lasting := range versions {
		e := &r.batch.Events[f.changes[i].event]
		for _, v := range lasting {
			if v.sameValues && v.start <= e.Time && e.Time < v.end {
				t.noteFound(e, v.id)
			}
		}
	}
	return nil
}

// noteFoundVersions records the position of an insert that was compared with the versions of its
// key.
func (t *tableState) noteFoundVersions(versions []versionInterval, e *change.Event) {
	for i := range versions {
		if v := &versions[i]; e.Created && v.sameValues && v.start <= e.Time && e.Time < v.end {
			t.noteFound(e, v.id)
		}
	}
}
