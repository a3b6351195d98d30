package history

import (
	"slices"
	"strings"

	"metadb/internal/change"
)

// item is one event of a chunk in its place in the chain of its key.
type item struct {
	// event is the event's index in the batch.
	event int
	// upsert tells it from a delete.
	upsert bool
	// head says that it is the first of its chain: what it follows is in the
	// database.
	head bool
	// follows says that the item before it is an upsert of the same chain.
	follows bool
	// row is the row after the change; for a delete the key's cells alone.
	row change.Row
	// unavailable are the indexes, in the row, of the values that have to
	// come from the database: from the key's current row, or from what was
	// last under the key via, if that is not nil.
	unavailable []int
	via         *formerKey
	// suspect, repeated and confirm are the event's.
	suspect, repeated, confirm bool
	// moved says that a suspect may have been in another partition, or come late: its
	// position tells.
	moved bool
	at    change.Micros
	// truncated is when the first truncate that was applied before, and follows the
	// event at the source, took place; 0 if there is none. truncatedLSN is its position:
	// several may share a time.
	truncated    change.Micros
	truncatedLSN uint64
}

// formerKey is the key that a row had before a change of key.
type formerKey struct {
	row change.Row
	// at is the time of the change. ends says that the chunk itself ends what
	// is current under the key, lacking that the version that ends is one of
	// the chunk and lacks the values too: only what is current can have them.
	at            change.Micros
	ends, lacking bool
}

// folded is a chunk in chains: the items of a key stand behind one another, in
// the order of the events. The chains are in the order of their keys, so that
// PostgreSQL finds neighbours on the page that it has just used.
type folded struct {
	chunk *chunk
	items []item
	// nulls are the patterns of NULL in the chunk's keys. Nearly always there
	// is one: none.
	nulls map[pattern]bool
	// multiple says that some chain has more than one item, and lost that
	// unavailable values had no version before them.
	multiple, lost bool
	// truncated says that some item precedes a truncate that was applied before.
	truncated bool
}

// fold makes the chains of a chunk. It compares no values: what looks the same
// stays to be compared by PostgreSQL.
func fold(c *chunk, events []change.Event) *folded {
	f := &folder{
		chunk: c,
		links: make([]link, 0, len(c.events)), order: make([]chain, 0, len(c.events)),
		chains: make(map[string]int, len(c.events)), nulls: make(map[pattern]bool, 1),
	}
	for _, i := range c.events {
		f.add(&events[i], i)
	}
	out := f.folded()
	out.chunk = c
	return out
}

// link is an item with the numbers of its neighbours in its chain.
type link struct {
	item
	before, next int
}

// chain is the key's first and last link.
type chain struct {
	key         string
	first, last int
}

type folder struct {
	chunk *chunk
	links []link
	// chains finds a chain by the key's bytes; order has them as they began.
	chains map[string]int
	order  []chain
	key    []byte
	nulls  map[pattern]bool
	lost   bool
}

// none is an index that points nowhere.
const none = -1

func (f *folder) add(e *change.Event, i int) {
	added := link{before: none, next: none, item: item{
		event: i, upsert: e.Op == change.Upsert, row: e.Row,
		suspect: e.Suspect, repeated: e.Repeated, confirm: e.Confirm, at: e.Time, moved: mayHaveMoved(e),
	}}
	f.key = f.chunk.keyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	var before *item
	if known {
		added.before = f.order[at].last
		before = &f.links[added.before].item
		added.follows = before.upsert
	} else {
		added.head = true
		at = len(f.order)
		key := string(f.key)
		f.chains[key] = at
		f.order = append(f.order, chain{key: key, first: len(f.links)})
		f.nulls[nullsIn(e.Shape, e.Row)] = true
	}
	kept := added.upsert && len(f.chunk.kept) > 0
	if kept {
		added.row = withoutKept(e.Row, f.chunk.kept)
	}
	if kept || e.Lacks() {
		f.fill(&added.item, before, e)
	}
	if known {
		f.links[f.order[at].last].next = len(f.links)
	}
	f.order[at].last = len(f.links)
	f.links = append(f.links, added)
}

// fill gives unavailable values those of the version before, as far as the
// chunk has it: after a change of key that is the last one under the old key.
func (f *folder) fill(it, before *item, e *change.Event) {
	switch {
	case e.OldKey != nil:
		f.fillFromOldKey(it, e)
	case before == nil:
		it.unavailable = unavailable(it.row)
	case before.upsert:
		it.inherit(before)
	default:
		it.row = withoutUnavailable(it.row)
		f.lost = f.lost || len(f.chunk.kept) == 0
	}
}

// fillFromOldKey is fill after a change of key. If the chunk has the delete of
// the old key, that is the last it has of it (see chunk.hidesOldKey): the values
// are those of the upsert before it, or of the row that is current now.
func (f *folder) fillFromOldKey(it *item, e *change.Event) {
	f.key = f.chunk.oldKeyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	if !known || f.order[at].first == len(f.links) {
		// The second is the event's own chain, which it begins.
		it.unavailable, it.via = unavailable(it.row), &formerKey{row: e.OldKey, at: e.Time}
		return
	}
	old, via := f.order[at], &formerKey{row: e.OldKey, at: e.Time, ends: true}
	if before := f.links[old.last].before; before != none {
		it.inherit(&f.links[before].item)
		if len(it.unavailable) > 0 && it.via == nil {
			via.lacking = true
			it.via = via
		}
		return
	}
	it.unavailable, it.via = unavailable(it.row), via
}

// inherit takes unavailable values from the version before. What is unavailable
// there too comes from where that one's comes from.
func (it *item) inherit(before *item) {
	merged := make(change.Row, 0, len(it.row)+len(before.row))
	rest := before.row
	for i, cell := range it.row.Cells() {
		var earlier change.Cell
		earlier, rest = rest.Next()
		if cell.State == change.Unavailable {
			cell = earlier
		}
		if cell.State == change.Unavailable {
			it.unavailable = append(it.unavailable, i)
		}
		merged = change.AppendCell(merged, cell)
	}
	it.row = merged
	if len(it.unavailable) > 0 {
		it.via = before.via
	}
}

// folded returns the items chain by chain. It comes last: the chains change
// their places.
func (f *folder) folded() *folded {
	slices.SortFunc(f.order, func(a, b chain) int { return strings.Compare(a.key, b.key) })
	out := &folded{items: make([]item, 0, len(f.links)), nulls: f.nulls, multiple: len(f.order) < len(f.links), lost: f.lost}
	for _, c := range f.order {
		for n := c.first; n != none; n = f.links[n].next {
			out.items = append(out.items, f.links[n].item)
		}
	}
	return out
}

// chainEnd returns the number behind the last item of the chain that item i heads.
func (f *folded) chainEnd(i int) int {
	end := i + 1
	for end < len(f.items) && !f.items[end].head {
		end++
	}
	return end
}

// unavailable returns the indexes of a row's unavailable values.
func unavailable(row change.Row) []int {
	var indexes []int
	for i, cell := range row.Cells() {
		if cell.State == change.Unavailable {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// withoutKept returns the row with unavailable values in the fields that are kept.
func withoutKept(row change.Row, kept []int) change.Row {
	out := make(change.Row, 0, len(row))
	for i, cell := range row.Cells() {
		if slices.Contains(kept, i) {
			cell = change.Cell{State: change.Unavailable}
		}
		out = change.AppendCell(out, cell)
	}
	return out
}

// withoutUnavailable returns the row with NULL in place of unavailable values.
func withoutUnavailable(row change.Row) change.Row {
	out := make(change.Row, 0, len(row))
	for _, cell := range row.Cells() {
		if cell.State == change.Unavailable {
			cell = change.Cell{State: change.Null}
		}
		out = change.AppendCell(out, cell)
	}
	return out
}
