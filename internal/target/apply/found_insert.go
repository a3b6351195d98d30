package apply

import (
	"context"

	"metadb/internal/change"
)

// An insert that finds its row as it is may be a repetition, or come after a truncate that
// is still to be read. Its row does not tell which, and stays as it is in both cases. The
// position of the insert is kept for that truncate. A repetition's has no effect: no truncate
// that precedes it comes after the beginning of its row's version.

// noteFoundInserts notes where the suspects stand that are taken for repetitions because
// their rows are there.
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

// noteFoundVersions notes it for an event that has been looked for among the versions of its
// key.
func (t *tableState) noteFoundVersions(versions []versionInterval, e *change.Event) {
	for i := range versions {
		if v := &versions[i]; e.Created && v.sameValues && v.start <= e.Time && e.Time < v.end {
			t.noteFound(e, v.id)
		}
	}
}
