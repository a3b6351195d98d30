package history

import (
	"context"
	"errors"
	"fmt"
)

// The third way: rows of a table whose values nearly always differ, as in a stream
// of updates. What is current under the keys is found and moved to history, and the
// new rows are copied into its place, before it is known whether they differ. Then
// the pairs are compared, and where they are the same the old row is put back. It
// saves sending each row to a stage first. Where a key has several events, all that
// matters has to be certain before anything is written.

// habit is what the last chunk of a table says of the next one.
type habit struct {
	// allNew says that no key was in the table before: the direct way is worth
	// a try.
	allNew bool
	// differing says that keys were there and nearly all of their rows
	// differed: they are worth being exchanged.
	differing bool
	// same says that keys were there and nearly all of their rows were the
	// same: they are worth being recognized. disguised says that this has
	// failed: the events write the same values in other bytes.
	same, disguised bool
	// vague says that the events of one key have differed in nothing that tells.
	vague bool
}

// learn takes in what became of a chunk: how many versions it wrote, how many of
// its keys were there, and how many of those had the same row.
func (h *habit) learn(written, matched, same int) {
	h.allNew = matched == 0 && written > 0
	h.differing = matched > 0 && same*fewSame <= matched
	h.same = matched > 0 && (matched-same)*fewSame <= matched
}

// fewSame is what few is, one row in so many: of a table's rows that are
// exchanged few may be the same, of those that are recognized few may differ.
const fewSame = 10

// exchangeable reports whether the rows of a chunk may be exchanged: complete, of
// the stored types, of one origin, and none that may be a repetition or has been
// retried.
func (r *run) exchangeable(t *target, c *chunk, f *folded) bool {
	worth := t.differing || f.multiple && t.allNew
	if !worth || f.multiple && t.vague || f.truncated || r.retried != nil || !t.table.Guarded || !c.plain || c.shape == nil || len(f.nulls) != 1 || !f.nulls[0] {
		return false
	}
	origin := r.batch.Events[c.events[0]].Origin
	for i := range f.items {
		it := &f.items[i]
		if it.unavailable != nil || it.suspect || r.batch.Events[it.event].Origin != origin {
			return false
		}
	}
	return true
}

// errNotExchanged says that a key's history has to be asked first, errVague that
// rows have to be compared first.
var (
	errNotExchanged = errors.New("a row has to be looked up in history")
	errVague        = errors.New("rows of one key have to be compared")
)

// applyExchange exchanges the rows of a chunk. It reports false, with nothing
// changed, if some have to go the staged way.
func (r *run) applyExchange(ctx context.Context, t *target, f *folded) (bool, error) {
	err := r.exchange(ctx, t, f)
	if errors.Is(err, errNotExchanged) || errors.Is(err, errVague) {
		t.vague = t.vague || errors.Is(err, errVague)
		r.layouts = nil // which have been told of rows that were not written
		return false, nil
	}
	return err == nil, err
}

func (r *run) exchange(ctx context.Context, t *target, f *folded) error {
	x := newExchange(f)
	// The documents are taken apart while PostgreSQL is busy with their rows.
	x.descent = r.ahead(t, f, x.lines)
	x.wait = x.beside((*descent).add)
	defer func() { x.wait() }()
	err := r.findCurrent(ctx, t, f, x)
	x.wait()
	if err != nil {
		return err
	}
	if err := x.decide(f, t.table.LastEnd); err != nil {
		return err
	}
	if err := r.ensureYears(ctx, t, x.d.years()); err != nil {
		return err
	}
	if err := r.moveEndings(ctx, t, x.d.endings); err != nil {
		return err
	}
	ids, err := r.newIDs(ctx, t.table, len(x.d.versions))
	if err != nil {
		return err
	}
	x.number(f, inOrder(ids, f, x.d))
	x.wait = x.beside((*descent).compare)
	if err := r.copyVersions(ctx, t, f, x.d.versions, x.ids); err != nil {
		return err
	}
	if x.same, err = r.compareExchanged(ctx, t, f, x); err != nil {
		return err
	}
	if err := r.putBack(ctx, t, x); err != nil {
		return err
	}
	t.learn(len(x.d.versions), x.d.matched, len(x.same))
	if err := r.noteExchanged(ctx, t, f, x); err != nil {
		return err
	}
	x.wait()
	return r.followExchange(ctx, t, f, x)
}

// noteExchanged notes what was written, and confirms it.
func (r *run) noteExchanged(ctx context.Context, t *target, f *folded, x *exchange) error {
	ended, last := 0, never
	for _, e := range x.d.endings {
		if !x.same[e.item] {
			ended, last = ended+1, max(last, e.end)
		}
	}
	for _, v := range x.d.versions {
		if v.end != forever {
			ended, last = ended+1, max(last, v.end)
		}
	}
	r.outcome.Written += len(x.d.versions) - len(x.same)
	if ended > 0 {
		r.ended(t, ended, last)
	}
	r.notePositions(t, f, x)
	var confirmed []confirmation
	for _, c := range x.d.confirmedVersions {
		switch v := x.d.versions[c.id]; {
		case v.end != forever:
		case x.same[v.item]:
			confirmed = append(confirmed, confirmation{x.gone[v.item].id, c.event})
		default:
			confirmed = append(confirmed, confirmation{x.ids[c.id], c.event})
		}
	}
	if err := r.writeConfirmed(ctx, t.table, confirmed); err != nil {
		return fmt.Errorf("confirm exchanged rows: %w", err)
	}
	return nil
}
