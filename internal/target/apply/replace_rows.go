package apply

import (
	"context"
	"errors"
	"fmt"
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
func (r *batchTx) suitsReplaceRows(t *tableState, c *chunk, f *foldedChunk) bool {
	worth := t.mostlyChanged || f.severalPerKey && t.keysNew
	if !worth || f.severalPerKey && t.needsComparison || f.precedesTruncate || r.retried != nil || !t.table.UniqueKey || !c.unconverted || c.shape == nil || len(f.nullPatterns) != 1 || !f.nullPatterns[0] {
		return false
	}
	origin := r.batch.Events[c.events[0]].Origin
	for i := range f.changes {
		it := &f.changes[i]
		if it.unavailable != nil || it.suspect || r.batch.Events[it.event].Origin != origin {
			return false
		}
	}
	return true
}

// errNeedsHistory is the error of replaceRows if history has to be read for a key;
// errNeedsComparison, if rows of one key have to be compared by PostgreSQL.
var (
	errNeedsHistory    = errors.New("a row has to be looked up in history")
	errNeedsComparison = errors.New("rows of one key have to be compared")
)

// tryReplaceRows replaces the rows of a chunk. It returns false, with no row changed, if some rows
// need the staged merge.
func (r *batchTx) tryReplaceRows(ctx context.Context, t *tableState, f *foldedChunk) (bool, error) {
	err := r.replaceRows(ctx, t, f)
	if errors.Is(err, errNeedsHistory) || errors.Is(err, errNeedsComparison) {
		t.needsComparison = t.needsComparison || errors.Is(err, errNeedsComparison)
		r.layouts = nil // the layouts have notes of rows that were not written
		return false, nil
	}
	return err == nil, err
}

func (r *batchTx) replaceRows(ctx context.Context, t *tableState, f *foldedChunk) error {
	x := newChunkReplacement(f)
	// The documents are parsed while PostgreSQL reads their rows.
	x.update = r.prepareEarlyUpdate(t, f, x.effects)
	x.waitBackground = x.updateInBackground((*transformedUpdate).addDocuments)
	defer func() { x.waitBackground() }()
	err := r.findReplaced(ctx, t, f, x)
	x.waitBackground()
	if err != nil {
		return err
	}
	if err := x.decide(f, t.table.LastEnd); err != nil {
		return err
	}
	if err := r.ensureYears(ctx, t, x.decision.yearsNeeded()); err != nil {
		return err
	}
	if err := r.moveVersions(ctx, t, x.decision.ended); err != nil {
		return err
	}
	ids, err := r.drawIDs(ctx, t.table, len(x.decision.versions))
	if err != nil {
		return err
	}
	x.assignIDs(f, orderIDs(ids, f, x.decision))
	x.waitBackground = x.updateInBackground((*transformedUpdate).compareDocuments)
	if err := r.copyVersions(ctx, t, f, x.decision.versions, x.ids); err != nil {
		return err
	}
	if x.unchanged, err = r.compareReplaced(ctx, t, f, x); err != nil {
		return err
	}
	if err := r.restoreUnchanged(ctx, t, x); err != nil {
		return err
	}
	t.observeChunk(len(x.decision.versions), x.decision.matchedChains, len(x.unchanged))
	if err := r.noteReplaced(ctx, t, f, x); err != nil {
		return err
	}
	x.waitBackground()
	return r.updateReplaced(ctx, t, f, x)
}

// noteReplaced counts the versions written and ended, notes the positions of their changes, and
// confirms rows.
func (r *batchTx) noteReplaced(ctx context.Context, t *tableState, f *foldedChunk, x *chunkReplacement) error {
	ended, last := 0, minTime
	for _, e := range x.decision.ended {
		if !x.unchanged[e.head] {
			ended, last = ended+1, max(last, e.end)
		}
	}
	for _, v := range x.decision.versions {
		if v.end != maxTime {
			ended, last = ended+1, max(last, v.end)
		}
	}
	r.outcome.Written += len(x.decision.versions) - len(x.unchanged)
	if ended > 0 {
		r.noteEnded(t, ended, last)
	}
	r.noteReplacedPositions(t, f, x)
	var confirmed []confirmedRow
	for _, c := range x.decision.confirmedVersions {
		switch v := x.decision.versions[c.id]; {
		case v.end != maxTime:
		case x.unchanged[v.change]:
			confirmed = append(confirmed, confirmedRow{x.oldRows[v.change].id, c.event})
		default:
			confirmed = append(confirmed, confirmedRow{x.ids[c.id], c.event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return fmt.Errorf("confirm exchanged rows: %w", err)
	}
	return nil
}
