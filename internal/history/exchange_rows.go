package history

import (
	"context"
	"slices"

	"metadb/internal/change"
)

// exchange is what becomes of the items of a chunk: gone has the rows that were
// current, ids those of the new ones, same the items that equal what was there.
type exchange struct {
	gone []matched
	d    *decision
	ids  []int64
	same map[int]bool
	// lines tell it as lineages, one for each item; descent is their way into
	// the transformed tables, nil where it has to wait for the exchange.
	lines   []lineage
	descent *descent
	// wait waits for what is done beside.
	wait func()
}

// newExchange returns the exchange of the items of a chunk, each of a key of its
// own, as far as it is known from the beginning.
func newExchange(f *folded) *exchange {
	x := &exchange{gone: make([]matched, len(f.items)), lines: make([]lineage, len(f.items))}
	versions := make([]begun, len(f.items))
	for i := range x.lines {
		versions[i].item = i
		x.lines[i] = lineage{item: i, begun: versions[i : i+1 : i+1]}
	}
	return x
}

// decide decides about the items, now that it is known what was current under
// their keys. A key that had nothing, and could have been current at the time of
// its event or later, has a past that matters.
func (x *exchange) decide(f *folded, lastEnd change.Micros) error {
	x.d = &decision{versions: make([]version, 0, len(f.items))}
	for i := range f.items {
		at, old := f.items[i].at, x.gone[i]
		switch {
		case old.id != 0:
			at = max(at, old.start)
			x.d.endings = append(x.d.endings, ending{id: old.id, start: old.start, end: at})
			x.lines[i].endedBy(x.d.endings[len(x.d.endings)-1])
		case at <= lastEnd:
			return errNotExchanged
		}
		x.d.versions = append(x.d.versions, version{item: i, start: at, end: forever, succeeds: old.id != 0})
		x.lines[i].begun[0].version = x.d.versions[i]
	}
	return nil
}

// number gives the new versions their ids.
func (x *exchange) number(ids []int64) {
	x.ids = ids
	for i, id := range ids {
		x.lines[i].begun[0].id = id
	}
}

// ahead returns the way of lines into the transformed tables where it can be gone
// while the rows are exchanged: nothing has to be asked for it but the documents of
// the rows that end, which the exchange itself brings.
func (r *run) ahead(t *target, f *folded, lines []lineage) *descent {
	set := r.mappings.set(t.table)
	if t.table.IsTransformed() || set.Empty() || t.table.Mapped != set.Text() {
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
