package apply

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/target/history"
)

// The strategy replaceRows, for tables with rows that nearly always differ, as in a stream of
// updates. The current rows of the keys are moved to history and the new rows are copied in, before
// they are compared. Then each pair is compared, and an equal old row is put back. That saves
// copying each row into a stage first. Where a key has several events, each comparison and lookup
// in history has to be decided before a row is written; otherwise the chunk is merged by a stage.

// tableProfile describes the last chunk of a table, to choose the strategy of the next one.
type tableProfile struct {
	// keysNew is set if no key was in the table before: insertNew is tried.
	keysNew bool
	// mostlyChanged is set if keys were in the table and nearly all of their rows differed:
	// replaceRows is tried.
	mostlyChanged bool
	// mostlyUnchanged is set if keys were in the table and nearly all of their rows were equal:
	// confirmUnchanged is tried. encodingDiffers is set if this has failed, since the events write
	// equal values in other bytes.
	mostlyUnchanged, encodingDiffers bool
	// needsComparison is set if replaceRows has failed because the quick compare columns did not
	// show whether two rows of one key differ.
	needsComparison bool
}

// observeChunk updates the profile after a chunk, by the number of versions written, of keys that
// were in the table, and of those with an equal row.
func (h *tableProfile) observeChunk(written, matched, same int) {
	h.keysNew = matched == 0 && written > 0
	h.mostlyChanged = matched > 0 && same*exceptionRatio <= matched
	h.mostlyUnchanged = matched > 0 && (matched-same)*exceptionRatio <= matched
}

// exceptionRatio is the limit of exceptions, one row in so many: of replaced rows so few may be
// equal, of confirmed rows so few may differ.
const exceptionRatio = 10

// suitsReplaceRows reports whether the rows of a chunk are worth being replaced and can be. They
// must be complete, of the stored types and of one origin; their keys must be unique in the table
// and without NULL; no event may be a possible repetition, a retried one, or one that precedes an
// applied truncate.
func (r *batchTx) suitsReplaceRows(t *tableState, c *history.Chunk, f *history.FoldedChunk) bool {
	worth := t.mostlyChanged || f.SeveralPerKey && t.keysNew
	if !worth || f.SeveralPerKey && t.needsComparison || f.PrecedesTruncate || r.retried != nil || !t.table.UniqueKey || !c.Unconverted || c.Shape == nil || len(f.NullPatterns) != 1 || !f.NullPatterns[0] {
		return false
	}
	origin := r.batch.Events[c.Events[0]].Origin
	for i := range f.Changes {
		it := &f.Changes[i]
		if it.Unavailable != nil || it.Suspect || r.batch.Events[it.Event].Origin != origin {
			return false
		}
	}
	return true
}

// tryReplaceRows replaces the rows of a chunk. It returns false, with no row changed, if some rows
// need the staged merge.
func (r *batchTx) tryReplaceRows(ctx context.Context, t *tableState, f *history.FoldedChunk) (bool, error) {
	err := r.replaceRows(ctx, t, f)
	if errors.Is(err, history.ErrNeedsHistory) || errors.Is(err, history.ErrNeedsComparison) {
		t.needsComparison = t.needsComparison || errors.Is(err, history.ErrNeedsComparison)
		r.layouts = nil // the layouts have notes of rows that were not written
		return false, nil
	}
	return err == nil, err
}

func (r *batchTx) replaceRows(ctx context.Context, t *tableState, f *history.FoldedChunk) error {
	x := &chunkReplacement{rows: history.NewReplacement(f)}
	// The documents are parsed while PostgreSQL reads their rows.
	x.update = r.prepareEarlyUpdate(t, f, x.rows.Effects)
	x.waitBackground = x.updateInBackground((*transformedUpdate).addDocuments)
	defer func() { x.waitBackground() }()
	err := r.findReplaced(ctx, t, f, x)
	x.waitBackground()
	if err != nil {
		return err
	}
	if err := x.rows.Decide(f, t.table.LastEnd); err != nil {
		return err
	}
	if err := r.ensureYears(ctx, t, x.rows.Decision.YearsNeeded()); err != nil {
		return err
	}
	if err := r.moveVersions(ctx, t, x.rows.Decision.Ended); err != nil {
		return err
	}
	ids, err := r.drawIDs(ctx, t.table, len(x.rows.Decision.Versions))
	if err != nil {
		return err
	}
	x.rows.AssignIDs(f, history.OrderIDs(ids, f, x.rows.Decision))
	x.waitBackground = x.updateInBackground((*transformedUpdate).compareDocuments)
	if err := r.copyVersions(ctx, t, f, x.rows.Decision.Versions, x.rows.IDs); err != nil {
		return err
	}
	if x.rows.Unchanged, err = r.compareReplaced(ctx, t, f, x); err != nil {
		return err
	}
	if err := r.restoreUnchanged(ctx, t, x); err != nil {
		return err
	}
	t.observeChunk(len(x.rows.Decision.Versions), x.rows.Decision.MatchedChains, len(x.rows.Unchanged))
	if err := r.noteReplaced(ctx, t, f, x); err != nil {
		return err
	}
	x.waitBackground()
	return r.updateReplaced(ctx, t, f, x)
}

// noteReplaced counts the versions written and ended, notes the positions of their changes, and
// confirms rows.
func (r *batchTx) noteReplaced(ctx context.Context, t *tableState, f *history.FoldedChunk, x *chunkReplacement) error {
	ended, last := 0, history.MinTime
	for _, e := range x.rows.Decision.Ended {
		if !x.rows.Unchanged[e.Head] {
			ended, last = ended+1, max(last, e.End)
		}
	}
	for _, v := range x.rows.Decision.Versions {
		if v.End != history.MaxTime {
			ended, last = ended+1, max(last, v.End)
		}
	}
	r.outcome.Written += len(x.rows.Decision.Versions) - len(x.rows.Unchanged)
	if ended > 0 {
		r.noteEnded(t, ended, last)
	}
	t.positions.NoteReplacement(r.batch.Events, f, &x.rows)
	var confirmed []history.ConfirmedRow
	for _, c := range x.rows.Decision.ConfirmedVersions {
		switch v := x.rows.Decision.Versions[c.ID]; {
		case v.End != history.MaxTime:
		case x.rows.Unchanged[v.Change]:
			confirmed = append(confirmed, history.ConfirmedRow{ID: x.rows.OldRows[v.Change].ID, Event: c.Event})
		default:
			confirmed = append(confirmed, history.ConfirmedRow{ID: x.rows.IDs[c.ID], Event: c.Event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return fmt.Errorf("confirm exchanged rows: %w", err)
	}
	return nil
}
