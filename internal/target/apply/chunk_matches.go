package apply

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// currentRow is a current row that a chain begins with.
type currentRow struct {
	id    int64
	ctid  pgtype.TID
	start change.Micros
	// sameValues says that the chain's first version is the same.
	sameValues bool
	// certainlyDiffers says that the row that takes its place is certainly another.
	certainlyDiffers bool
}

// chunkMatches is what the database knows about the changes of a chunk.
type chunkMatches struct {
	// first has the current row of every chain, by its head, and moreRows those
	// beyond the first: after a change of what identifies a row there may be
	// several. A row without an id is none.
	first    []currentRow
	moreRows map[int][]currentRow
	// unchanged has the changes that equal the change before them.
	unchanged map[int]bool
	// lastEnd has the last __end of keys that have no current row, by the
	// head, where that could be after an event of the chain.
	lastEnd map[int]change.Micros
	// nulled are fields in which NULL may stand for an unchanged value; nulledLong
	// is called with a change and the number of such a field of which the current
	// row has a long value.
	nulled     []nulledField
	nulledLong func(ord, i int)
	// repeated has the changes that have been applied before.
	repeated map[int]bool
	// supersededBy has the changes that come late, with the position of what has been applied
	// though it follows.
	supersededBy map[int]rowPosition
}

// newChunkMatches returns matches for so many changes.
func newChunkMatches(items int) *chunkMatches { return &chunkMatches{first: make([]currentRow, items)} }

// addCurrent notes a current row of the chain that begins with head.
func (m *chunkMatches) addCurrent(head int, row currentRow) {
	if m.first[head].id == 0 {
		m.first[head] = row
		return
	}
	if m.moreRows == nil {
		m.moreRows = make(map[int][]currentRow)
	}
	m.moreRows[head] = append(m.moreRows[head], row)
}

// currentRows returns the current rows of the chain that begins with head.
func (m *chunkMatches) currentRows(head int) []currentRow {
	if m.first[head].id == 0 {
		return nil
	}
	if more := m.moreRows[head]; more != nil {
		return append(more, m.first[head])
	}
	return m.first[head : head+1 : head+1]
}

// markRepeated notes that a change has been applied before.
func (m *chunkMatches) markRepeated(item int) {
	if m.repeated == nil {
		m.repeated = make(map[int]bool)
	}
	m.repeated[item] = true
}
