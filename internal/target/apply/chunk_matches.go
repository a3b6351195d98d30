package apply

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// currentRow is a row that is current before the first change of a chain.
type currentRow struct {
	id    int64
	ctid  pgtype.TID
	start change.Micros
	// sameValues is true if the first version of the chain equals the row.
	sameValues bool
	// certainlyDiffers is true if the row that replaces it certainly differs.
	certainlyDiffers bool
}

// chunkMatches contains the facts from the database that decide needs about the changes of a chunk.
type chunkMatches struct {
	// first has the current row of each chain, by the number of its head, and moreRows the others:
	// after a change of identity there may be several. A row with id 0 is absent.
	first    []currentRow
	moreRows map[int][]currentRow
	// unchanged contains the changes that equal the preceding change.
	unchanged map[int]bool
	// lastEnd has, by head, the last __end of keys without a current row, if it can be later than
	// an event of the chain.
	lastEnd map[int]change.Micros
	// nulled are fields in which NULL may represent an unchanged value. nulledLong is called with a
	// change and the index in nulled of a field with a long value in the current row.
	nulled     []nulledField
	nulledLong func(ord, i int)
	// repeated contains the changes that were applied before.
	repeated map[int]bool
	// supersededBy has, for each late change, the position of the applied change that follows it.
	supersededBy map[int]rowPosition
	// endedByEndsync contains the rows of snapshots that endsync has ended before they were
	// written.
	endedByEndsync map[int]bool
}

// newChunkMatches returns matches for the given number of changes.
func newChunkMatches(items int) *chunkMatches { return &chunkMatches{first: make([]currentRow, items)} }

// addCurrent adds a current row of the chain that begins with head.
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

// markRepeated records that a change was applied before.
func (m *chunkMatches) markRepeated(item int) {
	if m.repeated == nil {
		m.repeated = make(map[int]bool)
	}
	m.repeated[item] = true
}

// markEndedByEndsync records that endsync has ended a row of a snapshot before it was written.
func (m *chunkMatches) markEndedByEndsync(item int) {
	if m.endedByEndsync == nil {
		m.endedByEndsync = make(map[int]bool)
	}
	m.endedByEndsync[item] = true
}
