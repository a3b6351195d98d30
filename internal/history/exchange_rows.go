package history

import (
	"bytes"
	"context"
	"slices"

	"metadb/internal/change"
)

// exchange is what becomes of the items of a chunk: gone has the rows that were
// current, by the heads of their chains, d what becomes of them, ids are those of
// the new versions. same has the items that equal what was there.
type exchange struct {
	gone []matched
	d    *decision
	ids  []int64
	// numbers are those of the items' versions, none where an item makes none.
	numbers []int
	same    map[int]bool
	// lines tell it as lineages; descent is their way into the transformed
	// tables, nil where it has to wait for the exchange.
	lines   []lineage
	descent *descent
	// wait waits for what is done beside.
	wait func()
}

// newExchange returns the exchange of the items of a chunk. Where each is the only
// event of its key, its lineage is known from the beginning.
func newExchange(f *folded) *exchange {
	x := &exchange{gone: make([]matched, len(f.items))}
	if f.multiple {
		return x
	}
	x.lines = make([]lineage, len(f.items))
	versions := make([]begun, len(f.items))
	for i := range x.lines {
		if !f.items[i].upsert {
			x.lines = nil
			return x
		}
		versions[i].item = i
		x.lines[i] = lineage{item: i, begun: versions[i : i+1 : i+1]}
	}
	return x
}

// decide decides about the items, now that it is known what was current under
// their keys: a key's only event is taken for a change, and compared later. A key
// that had nothing, and could have been current at the time of its event or later,
// has a past that matters.
func (x *exchange) decide(f *folded, lastEnd change.Micros) error {
	m := &matches{first: x.gone}
	early, _ := m.questions(f, lastEnd)
	if early != nil {
		return errNotExchanged
	}
	var err error
	if m.same, err = x.neighbours(f); err != nil {
		return err
	}
	x.d = decide(f, m)
	return nil
}

// neighbours returns the items that equal the one before them.
func (x *exchange) neighbours(f *folded) (map[int]bool, error) {
	if !f.multiple {
		return nil, nil
	}
	same, telling := make(map[int]bool), tellingFields(f.chunk)
	for i := range f.items {
		it := &f.items[i]
		switch {
		case it.head:
			several := i+1 < len(f.items) && !f.items[i+1].head
			if several && it.upsert && x.gone[i].id != 0 && !x.gone[i].differs {
				return nil, errVague
			}
		case !it.upsert || !it.follows || telling.differ(it.row, telling.values(f.items[i-1].row)):
		case bytes.Equal(f.items[i-1].row, it.row):
			same[i] = true
		default:
			return nil, errVague
		}
	}
	return same, nil
}

// number gives the new versions their ids.
func (x *exchange) number(f *folded, ids []int64) {
	x.ids, x.numbers = ids, make([]int, len(f.items))
	for i := range x.numbers {
		x.numbers[i] = none
	}
	for n, v := range x.d.versions {
		x.numbers[v.item] = n
	}
	if x.lines == nil {
		x.lines = lineages(f, x.d, ids)
		return
	}
	for i := range x.lines {
		x.lines[i].begun[0] = begun{x.d.versions[i], ids[i]}
	}
	for _, e := range x.d.endings {
		x.lines[e.item].endedBy(e)
	}
}

// ahead returns the way of lines into the transformed tables where it can be gone
// while the rows are exchanged: nothing has to be asked for it but the documents of
// the rows that end, which the exchange itself brings.
func (r *run) ahead(t *target, f *folded, lines []lineage) *descent {
	set := r.mappings.set(t.table)
	if lines == nil || t.table.IsTransformed() || set.Empty() || t.table.Mapped != set.Text() {
		return nil
	}
	d := r.newDescent(t, f, set)
	d.lines = lines
	d.documents = chunkDocuments(f, documentColumns(t.table, set))
	return d
}

// beside does a part of the descent beside what follows, and returns what waits for
// it.
func (x *exchange) beside(work func(*descent)) (wait func()) {
	if x.descent == nil {
		return func() {}
	}
	return beside(func() { work(x.descent) })
}

// followExchange brings the transformed tables in line with an exchange. Documents
// that are the same have the same rows, which are left alone.
func (r *run) followExchange(ctx context.Context, t *target, f *folded, x *exchange) error {
	lines := x.lines
	if len(x.same) > 0 {
		lines = slices.DeleteFunc(slices.Clone(lines), func(line lineage) bool { return x.same[line.item] })
	}
	if x.descent == nil {
		return r.transform(ctx, t, f, lines)
	}
	if err := r.endStrays(ctx, t, x.descent.set, lines); err != nil {
		return err
	}
	return x.descent.finish(ctx)
}
