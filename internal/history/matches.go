package history

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// matched is a current row that a chain begins with.
type matched struct {
	id    int64
	place pgtype.TID
	start change.Micros
	// equal says that the chain's first version is the same.
	equal bool
	// differs says that the row that takes its place is certainly another.
	differs bool
}

// matches is what the database knows about the items of a chunk.
type matches struct {
	// first has the current row of every chain, by its head, and more those
	// beyond the first: after a change of what identifies a row there may be
	// several. A row without an id is none.
	first []matched
	more  map[int][]matched
	// same has the items that equal the item before them.
	same map[int]bool
	// lastEnd has the last __end of keys that have no current row, by the
	// head, where that could be after an event of the chain.
	lastEnd map[int]change.Micros
	// nulled are fields in which NULL may stand for an unchanged value; nulledLong
	// is called with an item and the number of such a field of which the current
	// row has a long value.
	nulled     []nulled
	nulledLong func(ord, i int)
	// repeated has the items that have been applied before.
	repeated map[int]bool
	// behind has the items that come late, with the position of what has been applied
	// though it follows.
	behind map[int]rowPosition
}

// newMatches returns matches for so many items.
func newMatches(items int) *matches { return &matches{first: make([]matched, items)} }

// add notes a current row of the chain that begins with head.
func (m *matches) add(head int, row matched) {
	if m.first[head].id == 0 {
		m.first[head] = row
		return
	}
	if m.more == nil {
		m.more = make(map[int][]matched)
	}
	m.more[head] = append(m.more[head], row)
}

// current returns the current rows of the chain that begins with head.
func (m *matches) current(head int) []matched {
	if m.first[head].id == 0 {
		return nil
	}
	if more := m.more[head]; more != nil {
		return append(more, m.first[head])
	}
	return m.first[head : head+1 : head+1]
}

// repeat notes that an item has been applied before.
func (m *matches) repeat(item int) {
	if m.repeated == nil {
		m.repeated = make(map[int]bool)
	}
	m.repeated[item] = true
}
