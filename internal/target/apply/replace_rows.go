package apply

import (
	"context"
	"errors"
	"fmt"
)

// The strategy replaceRows: rows of a table whose values nearly always differ, as in a stream
// of updates. What is current under the keys is found and moved to history, and the
// new rows are copied into its place, before it is known whether they differ. Then
// the pairs are compared, and where they are the same the old row is put back. It
// saves sending each row to a stage first. Where a key has several events, all that
// matters has to be certain before anything is written.

// tableProfile is what the last chunk of a table says of the next one.
type tableProfile struct {
	// keysNew says that no key was in the table before: insertNew is worth
	// a try.
	keysNew bool
	// mostlyChanged says that keys were there and nearly all of their rows
	// differed: they are worth being replaced.
	mostlyChanged bool
	// mostlyUnchanged says that keys were there and nearly all of their rows were the
	// same: they are worth being confirmed. encodingDiffers says that this has
	// failed: the events write the same values in other bytes.
	mostlyUnchanged, encodingDiffers bool
	// needsComparison says that the events of one key have differed in nothing that tells.
	needsComparison bool
}

// observeChunk takes in what became of a chunk: how many versions it wrote, how many of
// its keys were there, and how many of those had the same row.
func (h *tableProfile) observeChunk(written, matched, same int) {
	h.keysNew = matched == 0 && written > 0
	h.mostlyChanged = matched > 0 && same*exceptionRatio <= matched
	h.mostlyUnchanged = matched > 0 && (matched-same)*exceptionRatio <= matched
}

// exceptionRatio is what few is, one row in so many: of a table's rows that are
// replaced few may be the same, of those that are confirmed few may differ.
const exceptionRatio = 10

// suitsReplaceRows reports whether the rows of a chunk may be replaced: complete, of
// the stored types, of one origin, and none that may be a repetition or has been
// retried.
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

// errNeedsHistory says that a key's history has to be read first, errNeedsComparison that
// rows have to be compared first.
var (
	errNeedsHistory    = errors.New("a row has to be looked up in history")
	errNeedsComparison = errors.New("rows of one key have to be compared")
)

// tryReplaceRows replaces the rows of a chunk. It reports false, with nothing
// changed, if some need the staged merge.
func (r *batchTx) tryReplaceRows(ctx context.Context, t *tableState, f *foldedChunk) (bool, error) {
	err := r.replaceRows(ctx, t, f)
	if errors.Is(err, errNeedsHistory) || errors.Is(err, errNeedsComparison) {
		t.needsComparison = t.needsComparison || errors.Is(err, errNeedsComparison)
		r.layouts = nil // which have been told of rows that were not written
		return false, nil
	}
	return err == nil, err
}

func (r *batchTx) replaceRows(ctx context.Context, t *tableState, f *foldedChunk) error {
	x := newChunkReplacement(f)
	// The documents are taken apart while PostgreSQL is busy with their rows.
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

// noteReplaced notes what was written, and confirms it.
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
