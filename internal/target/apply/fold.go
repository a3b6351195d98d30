package apply

import (
	"slices"
	"strings"

	"metadb/internal/change"
)

// rowChange is one event of a chunk in its place in the chain of its key.
type rowChange struct {
	// event is the event's index in the batch.
	event int
	// upsert tells it from a delete.
	upsert bool
	// head says that it is the first of its chain: what it follows is in the
	// database.
	head bool
	// followsUpsert says that the change before it is an upsert of the same chain.
	followsUpsert bool
	// row is the row after the change; for a delete the key's cells alone.
	row change.Row
	// unavailable are the indexes, in the row, of the values that have to
	// come from the database: from the key's current row, or from what was
	// last under the key oldKeySource, if that is not nil.
	unavailable  []int
	oldKeySource *oldKey
	// suspect, repeated and confirm are the event's.
	suspect, repeated, confirm bool
	// mayHaveMoved says that a suspect may have been in another partition, or come late: its
	// position tells.
	mayHaveMoved bool
	at           change.Micros
	// truncatedAt is when the first truncate that was applied before, and follows the
	// event at the source, took place; 0 if there is none. truncatedLSN is its position:
	// several may share a time.
	truncatedAt  change.Micros
	truncatedLSN uint64
}

// oldKey is the key that a row had before a change of key.
type oldKey struct {
	row change.Row
	// at is the time of the change. endsCurrent says that the chunk itself ends what
	// is current under the key, incomplete that the version that ends is one of
	// the chunk and lacks the values too: only what is current can have them.
	at                      change.Micros
	endsCurrent, incomplete bool
}

// foldedChunk is a chunk in chains: the changes of a key stand behind one another, in
// the order of the events. The chains are in the order of their keys, so that
// PostgreSQL finds neighbours on the page that it has just used.
type foldedChunk struct {
	chunk   *chunk
	changes []rowChange
	// nullPatterns are the patterns of NULL in the chunk's keys. Nearly always there
	// is one: none.
	nullPatterns map[nullPattern]bool
	// severalPerKey says that some chain has more than one change, and valuesLost that
	// unavailable values had no version before them.
	severalPerKey, valuesLost bool
	// precedesTruncate says that some change precedes a truncate that was applied before.
	precedesTruncate bool
}

// fold makes the chains of a chunk. It compares no values: what looks the same
// stays to be compared by PostgreSQL.
func fold(c *chunk, events []change.Event) *foldedChunk {
	f := &chunkFolder{
		chunk: c,
		links: make([]linkedChange, 0, len(c.events)), chainOrder: make([]keyChain, 0, len(c.events)),
		chains: make(map[string]int, len(c.events)), nullPatterns: make(map[nullPattern]bool, 1),
	}
	for _, i := range c.events {
		f.addEvent(&events[i], i)
	}
	out := f.collectChains()
	out.chunk = c
	return out
}

// linkedChange is a change with the numbers of its neighbours in its chain.
type linkedChange struct {
	rowChange
	before, next int
}

// keyChain is the key's first and last linkedChange.
type keyChain struct {
	key         string
	first, last int
}

type chunkFolder struct {
	chunk *chunk
	links []linkedChange
	// chains finds a chain by the key's bytes; chainOrder has them as they began.
	chains       map[string]int
	chainOrder   []keyChain
	key          []byte
	nullPatterns map[nullPattern]bool
	valuesLost   bool
}

// none is an index that points nowhere.
const none = -1

func (f *chunkFolder) addEvent(e *change.Event, i int) {
	added := linkedChange{before: none, next: none, rowChange: rowChange{
		event: i, upsert: e.Op == change.Upsert, row: e.Row,
		suspect: e.Suspect, repeated: e.Repeated, confirm: e.Confirm, at: e.Time, mayHaveMoved: mayHaveMoved(e),
	}}
	f.key = f.chunk.keyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	var before *rowChange
	if known {
		added.before = f.chainOrder[at].last
		before = &f.links[added.before].rowChange
		added.followsUpsert = before.upsert
	} else {
		added.head = true
		at = len(f.chainOrder)
		key := string(f.key)
		f.chains[key] = at
		f.chainOrder = append(f.chainOrder, keyChain{key: key, first: len(f.links)})
		f.nullPatterns[nullsOfRow(e.Shape, e.Row)] = true
	}
	kept := added.upsert && len(f.chunk.keptFields) > 0
	if kept {
		added.row = withoutKeptFields(e.Row, f.chunk.keptFields)
	}
	if kept || e.HasUnavailable() {
		f.fillUnavailable(&added.rowChange, before, e)
	}
	if known {
		f.links[f.chainOrder[at].last].next = len(f.links)
	}
	f.chainOrder[at].last = len(f.links)
	f.links = append(f.links, added)
}

// fillUnavailable gives unavailable values those of the version before, as far as the
// chunk has it: after a change of key that is the last one under the old key.
func (f *chunkFolder) fillUnavailable(it, before *rowChange, e *change.Event) {
	switch {
	case e.OldKey != nil:
		f.fillFromOldKey(it, e)
	case before == nil:
		it.unavailable = unavailableFields(it.row)
	case before.upsert:
		it.inheritValues(before)
	default:
		it.row = withoutUnavailable(it.row)
		f.valuesLost = f.valuesLost || len(f.chunk.keptFields) == 0
	}
}

// fillFromOldKey is fillUnavailable after a change of key. If the chunk has the delete of
// the old key, that is the last it has of it (see chunk.hidesOldKey): the values
// are those of the upsert before it, or of the row that is current now.
func (f *chunkFolder) fillFromOldKey(it *rowChange, e *change.Event) {
	f.key = f.chunk.oldKeyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	if !known || f.chainOrder[at].first == len(f.links) {
		// The second is the event's own chain, which it begins.
		it.unavailable, it.oldKeySource = unavailableFields(it.row), &oldKey{row: e.OldKey, at: e.Time}
		return
	}
	old, via := f.chainOrder[at], &oldKey{row: e.OldKey, at: e.Time, endsCurrent: true}
	if before := f.links[old.last].before; before != none {
		it.inheritValues(&f.links[before].rowChange)
		if len(it.unavailable) > 0 && it.oldKeySource == nil {
			via.incomplete = true
			it.oldKeySource = via
		}
		return
	}
	it.unavailable, it.oldKeySource = unavailableFields(it.row), via
}

// inheritValues takes unavailable values from the version before. What is unavailable
// there too comes from where that one's comes from.
func (it *rowChange) inheritValues(before *rowChange) {
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
		it.oldKeySource = before.oldKeySource
	}
}

// collectChains returns the changes chain by chain. It comes last: the chains change
// their places.
func (f *chunkFolder) collectChains() *foldedChunk {
	slices.SortFunc(f.chainOrder, func(a, b keyChain) int { return strings.Compare(a.key, b.key) })
	out := &foldedChunk{changes: make([]rowChange, 0, len(f.links)), nullPatterns: f.nullPatterns, severalPerKey: len(f.chainOrder) < len(f.links), valuesLost: f.valuesLost}
	for _, c := range f.chainOrder {
		for n := c.first; n != none; n = f.links[n].next {
			out.changes = append(out.changes, f.links[n].rowChange)
		}
	}
	return out
}

// chainEnd returns the number behind the last change of the chain that change i heads.
func (f *foldedChunk) chainEnd(i int) int {
	end := i + 1
	for end < len(f.changes) && !f.changes[end].head {
		end++
	}
	return end
}

// unavailableFields returns the indexes of a row's unavailable values.
func unavailableFields(row change.Row) []int {
	var indexes []int
	for i, cell := range row.Cells() {
		if cell.State == change.Unavailable {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// withoutKeptFields returns the row with unavailable values in the fields that are kept.
func withoutKeptFields(row change.Row, kept []int) change.Row {
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
