package apply

import (
	"slices"
	"strings"

	"metadb/internal/change"
)

// rowChange is one event of a chunk as a link of its key's chain.
type rowChange struct {
	// event is the event's index in the batch.
	event int
	// upsert is false for a delete.
	upsert bool
	// head is true for the first change of a chain. The version before it is in the database.
	head bool
	// followsUpsert is true if the preceding change of the chain is an upsert.
	followsUpsert bool
	// row is the row after the change, or the key's cells for a delete.
	row change.Row
	// unavailable are the indexes in the row of the values that must come from the database: from
	// the key's current row or, if oldKeySource is not nil, from the last version of that key.
	unavailable  []int
	oldKeySource *oldKey
	// suspect, repeated and confirm are the event's.
	suspect, repeated, confirm bool
	// mayHaveMoved is true for a suspect that may have been in another partition, or may be late.
	// Its position decides.
	mayHaveMoved bool
	at           change.Micros
	// truncatedAt is the time of the first applied truncate that follows the event at the source,
	// or 0. truncatedLSN is its LSN, because several truncates may share a time.
	truncatedAt  change.Micros
	truncatedLSN uint64
}

// oldKey is the key that a row had before a change of key.
type oldKey struct {
	row change.Row
	// at is the time of the change. endsCurrent is true if the chunk itself ends the current
	// version of the key. incomplete is true if the version that ends is one of the chunk with
	// unavailable values too, so that only the current row can have them.
	at                      change.Micros
	endsCurrent, incomplete bool
}

// foldedChunk is a chunk as chains: the changes of each key are adjacent, in the order of the
// events. The chains are sorted by key, so that PostgreSQL finds neighbouring rows on the page that
// it used last.
type foldedChunk struct {
	chunk   *chunk
	changes []rowChange
	// nullPatterns are the patterns of NULL in the chunk's keys: nearly always only the pattern
	// without NULL.
	nullPatterns map[nullPattern]bool
	// severalPerKey is true if a chain has more than one change. valuesLost is true if there was no
	// version with the values for unavailable ones.
	severalPerKey, valuesLost bool
	// precedesTruncate is true if a change precedes a truncate that was applied before.
	precedesTruncate bool
}

// fold makes the chains of a chunk. It does not compare values: PostgreSQL decides whether versions
// are equal.
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

// linkedChange is a change with the indexes of its neighbours in the chain, or -1.
type linkedChange struct {
	rowChange
	before, next int
}

// keyChain is a key with the indexes of its first and last linkedChange.
type keyChain struct {
	key         string
	first, last int
}

type chunkFolder struct {
	chunk *chunk
	links []linkedChange
	// chains has the index in chainOrder of each key's chain. chainOrder has the chains in the
	// order of their first events.
	chains       map[string]int
	chainOrder   []keyChain
	key          []byte
	nullPatterns map[nullPattern]bool
	valuesLost   bool
}

// none is the index of an absent element.
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

// fillUnavailable takes unavailable values from the preceding version, if the chunk has it; after a
// change of key that is the last version of the old key. Values that are in the database are added
// to it.unavailable, and after a delete they are NULL.
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

// fillFromOldKey is fillUnavailable after a change of key. If the chunk has the delete of the old
// key, that is its last event of the key (see chunk.hidesOldKey): the values are those of the
// upsert before it, or of the row that is current now.
func (f *chunkFolder) fillFromOldKey(it *rowChange, e *change.Event) {
	f.key = f.chunk.oldKeyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	if !known || f.chainOrder[at].first == len(f.links) {
		// The second condition is true if the chain is the event's own, which begins with it.
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

// inheritValues takes unavailable values from the preceding version. Those that are unavailable
// there too have the same source as there.
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

// collectChains returns the folded chunk. It sorts chainOrder, so that no event can be added later.
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

// chainEnd returns the number after the last change of the chain that begins with change i.
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

// withoutKeptFields returns the row with unavailable values in the kept fields.
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
