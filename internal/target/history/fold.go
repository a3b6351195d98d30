package history

import (
	"slices"
	"strings"

	"metadb/internal/change"
)

// RowChange is one event of a chunk as a link of its key's chain.
type RowChange struct {
	// Event is the event's index in the batch.
	Event int
	// Upsert is false for a delete.
	Upsert bool
	// Head is true for the first change of a chain. The version before it is in the database.
	Head bool
	// FollowsUpsert is true if the preceding change of the chain is an upsert.
	FollowsUpsert bool
	// Row is the row after the change, or the key's cells for a delete.
	Row change.Row
	// Unavailable are the indexes in the row of the values that must come from the database: from
	// the key's current row or, if OldKeySource is not nil, from the last version of that key.
	Unavailable  []int
	OldKeySource *OldKey
	// Suspect, Repeated and Confirm are the event's.
	Suspect, Repeated, Confirm bool
	// MayHaveMoved is true for a suspect that may have been in another partition, or may be late.
	// Its position decides.
	MayHaveMoved bool
	At           change.Micros
	// TruncatedAt is the time of the first applied truncate that follows the event at the source,
	// or 0. truncatedLSN is its LSN, because several truncates may share a time.
	TruncatedAt  change.Micros
	truncatedLSN uint64
}

// OldKey is the key that a row had before a change of key.
type OldKey struct {
	Row change.Row
	// At is the time of the change. EndsCurrent is true if the chunk itself ends the current
	// version of the key. Incomplete is true if the version that ends is one of the chunk with
	// unavailable values too, so that only the current row can have them.
	At                      change.Micros
	EndsCurrent, Incomplete bool
}

// FoldedChunk is a chunk as chains: the changes of each key are adjacent, in the order of the
// events. The chains are sorted by key, so that PostgreSQL finds neighbouring rows on the page that
// it used last.
type FoldedChunk struct {
	Chunk   *Chunk
	Changes []RowChange
	// NullPatterns are the patterns of NULL in the chunk's keys: nearly always only the pattern
	// without NULL.
	NullPatterns map[NullPattern]bool
	// SeveralPerKey is true if a chain has more than one change. ValuesLost is true if there was no
	// version with the values for unavailable ones.
	SeveralPerKey, ValuesLost bool
	// PrecedesTruncate is true if a change precedes a truncate that was applied before.
	PrecedesTruncate bool
}

// Fold makes the chains of a chunk. It does not compare values: PostgreSQL decides whether versions
// are equal.
func Fold(c *Chunk, events []change.Event) *FoldedChunk {
	f := &chunkFolder{
		chunk: c,
		links: make([]linkedChange, 0, len(c.Events)), chainOrder: make([]keyChain, 0, len(c.Events)),
		chains: make(map[string]int, len(c.Events)), nullPatterns: make(map[NullPattern]bool, 1),
	}
	for _, i := range c.Events {
		f.addEvent(&events[i], i)
	}
	out := f.collectChains()
	out.Chunk = c
	return out
}

// FoldKeys makes a chain of one confirming change for each event of a chunk of keys (KeyChunk).
func FoldKeys(c *Chunk, events []change.Event) *FoldedChunk {
	f := &FoldedChunk{Chunk: c, NullPatterns: make(map[NullPattern]bool, 1)}
	for _, i := range c.Events {
		e := &events[i]
		key := make(change.Row, 0, len(e.Row))
		for _, at := range e.Shape.Key {
			key = change.AppendCell(key, e.Row.Cell(at))
		}
		f.NullPatterns[nullsOfKey(key)] = true
		f.Changes = append(f.Changes, RowChange{Event: i, Head: true, Row: key, At: e.Time, Confirm: true})
	}
	return f
}

// linkedChange is a change with the indexes of its neighbours in the chain, or -1.
type linkedChange struct {
	RowChange
	before, next int
}

// keyChain is a key with the indexes of its first and last linkedChange.
type keyChain struct {
	key         string
	first, last int
}

type chunkFolder struct {
	chunk *Chunk
	links []linkedChange
	// chains has the index in chainOrder of each key's chain. chainOrder has the chains in the
	// order of their first events.
	chains       map[string]int
	chainOrder   []keyChain
	key          []byte
	nullPatterns map[NullPattern]bool
	valuesLost   bool
}

// None is the index of an absent element.
const None = -1

func (f *chunkFolder) addEvent(e *change.Event, i int) {
	added := linkedChange{before: None, next: None, RowChange: RowChange{
		Event: i, Upsert: e.Op == change.Upsert, Row: e.Row,
		Suspect: e.Suspect, Repeated: e.Repeated, Confirm: e.Confirm, At: e.Time, MayHaveMoved: MayHaveMoved(e),
	}}
	f.key = f.chunk.keyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	var before *RowChange
	if known {
		added.before = f.chainOrder[at].last
		before = &f.links[added.before].RowChange
		added.FollowsUpsert = before.Upsert
	} else {
		added.Head = true
		at = len(f.chainOrder)
		key := string(f.key)
		f.chains[key] = at
		f.chainOrder = append(f.chainOrder, keyChain{key: key, first: len(f.links)})
		f.nullPatterns[NullsOfRow(e.Shape, e.Row)] = true
	}
	kept := added.Upsert && len(f.chunk.KeptFields) > 0
	if kept {
		added.Row = withoutKeptFields(e.Row, f.chunk.KeptFields)
	}
	if kept || e.HasUnavailable() {
		f.fillUnavailable(&added.RowChange, before, e)
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
func (f *chunkFolder) fillUnavailable(it, before *RowChange, e *change.Event) {
	switch {
	case e.OldKey != nil:
		f.fillFromOldKey(it, e)
	case before == nil:
		it.Unavailable = unavailableFields(it.Row)
	case before.Upsert:
		it.inheritValues(before)
	default:
		it.Row = WithoutUnavailable(it.Row)
		f.valuesLost = f.valuesLost || len(f.chunk.KeptFields) == 0
	}
}

// fillFromOldKey is fillUnavailable after a change of key. If the chunk has the delete of the old
// key, that is its last event of the key (see chunk.hidesOldKey): the values are those of the
// upsert before it, or of the row that is current now.
func (f *chunkFolder) fillFromOldKey(it *RowChange, e *change.Event) {
	f.key = f.chunk.oldKeyBytes(f.key[:0], e)
	at, known := f.chains[string(f.key)]
	if !known || f.chainOrder[at].first == len(f.links) {
		// The second condition is true if the chain is the event's own, which begins with it.
		it.Unavailable, it.OldKeySource = unavailableFields(it.Row), &OldKey{Row: e.OldKey, At: e.Time}
		return
	}
	old, via := f.chainOrder[at], &OldKey{Row: e.OldKey, At: e.Time, EndsCurrent: true}
	if before := f.links[old.last].before; before != None {
		it.inheritValues(&f.links[before].RowChange)
		if len(it.Unavailable) > 0 && it.OldKeySource == nil {
			via.Incomplete = true
			it.OldKeySource = via
		}
		return
	}
	it.Unavailable, it.OldKeySource = unavailableFields(it.Row), via
}

// inheritValues takes unavailable values from the preceding version. Those that are unavailable
// there too have the same source as there.
func (it *RowChange) inheritValues(before *RowChange) {
	merged := make(change.Row, 0, len(it.Row)+len(before.Row))
	rest := before.Row
	for i, cell := range it.Row.Cells() {
		var earlier change.Cell
		earlier, rest = rest.Next()
		if cell.State == change.Unavailable {
			cell = earlier
		}
		if cell.State == change.Unavailable {
			it.Unavailable = append(it.Unavailable, i)
		}
		merged = change.AppendCell(merged, cell)
	}
	it.Row = merged
	if len(it.Unavailable) > 0 {
		it.OldKeySource = before.OldKeySource
	}
}

// collectChains returns the folded chunk. It sorts chainOrder, so that no event can be added later.
func (f *chunkFolder) collectChains() *FoldedChunk {
	slices.SortFunc(f.chainOrder, func(a, b keyChain) int { return strings.Compare(a.key, b.key) })
	out := &FoldedChunk{Changes: make([]RowChange, 0, len(f.links)), NullPatterns: f.nullPatterns, SeveralPerKey: len(f.chainOrder) < len(f.links), ValuesLost: f.valuesLost}
	for _, c := range f.chainOrder {
		for n := c.first; n != None; n = f.links[n].next {
			out.Changes = append(out.Changes, f.links[n].RowChange)
		}
	}
	return out
}

// chainEnd returns the number after the last change of the chain that begins with change i.
func (f *FoldedChunk) chainEnd(i int) int {
	end := i + 1
	for end < len(f.Changes) && !f.Changes[end].Head {
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

// WithoutUnavailable returns the row with NULL in place of unavailable values.
func WithoutUnavailable(row change.Row) change.Row {
	out := make(change.Row, 0, len(row))
	for _, cell := range row.Cells() {
		if cell.State == change.Unavailable {
			cell = change.Cell{State: change.Null}
		}
		out = change.AppendCell(out, cell)
	}
	return out
}

// MissingColumns returns the columns for which at least one of the marked changes has no value.
func (f *FoldedChunk) MissingColumns(asked []bool) map[int]bool {
	missing := make(map[int]bool)
	for i := range asked {
		if !asked[i] {
			continue
		}
		for _, at := range f.Changes[i].Unavailable {
			missing[f.Chunk.Fields[at].Column] = true
		}
	}
	return missing
}
