package history

import "metadb/internal/change"

// CurrentRow is a row that is current before the first change of a chain.
type CurrentRow struct {
	ID    int64
	CTID  CTID
	Start change.Micros
	// SameValues is true if the first version of the chain equals the row.
	SameValues bool
	// CertainlyDiffers is true if the row that replaces it certainly differs.
	CertainlyDiffers bool
}

// Matches contains the facts from the database that decide needs about the changes of a chunk.
type Matches struct {
	// first has the current row of each chain, by the number of its head, and moreRows the others:
	// after a change of identity there may be several. A row with id 0 is absent.
	first    []CurrentRow
	moreRows map[int][]CurrentRow
	// Unchanged contains the changes that equal the preceding change.
	Unchanged map[int]bool
	// LastEnd has, by head, the last __end of keys without a current row, if it can be later than
	// an event of the chain.
	LastEnd map[int]change.Micros
	// Repeated contains the changes that were applied before.
	Repeated map[int]bool
	// SupersededBy has, for each late change, the position of the applied change that follows it.
	SupersededBy map[int]RowPosition
	// endedByEndsync contains the rows of snapshots that endsync has ended before they were
	// written.
	endedByEndsync map[int]bool
}

// NewMatches returns matches for the given number of changes.
func NewMatches(items int) *Matches { return &Matches{first: make([]CurrentRow, items)} }

// AddCurrent adds a current row of the chain that begins with head.
func (m *Matches) AddCurrent(head int, row CurrentRow) {
	if m.first[head].ID == 0 {
		m.first[head] = row
		return
	}
	if m.moreRows == nil {
		m.moreRows = make(map[int][]CurrentRow)
	}
	m.moreRows[head] = append(m.moreRows[head], row)
}

// CurrentRows returns the current rows of the chain that begins with head.
func (m *Matches) CurrentRows(head int) []CurrentRow {
	if m.first[head].ID == 0 {
		return nil
	}
	if more := m.moreRows[head]; more != nil {
		return append(more, m.first[head])
	}
	return m.first[head : head+1 : head+1]
}

// MarkRepeated records that a change was applied before.
func (m *Matches) MarkRepeated(item int) {
	if m.Repeated == nil {
		m.Repeated = make(map[int]bool)
	}
	m.Repeated[item] = true
}

// MarkEndedByEndsync records that endsync has ended a row of a snapshot before it was written.
func (m *Matches) MarkEndedByEndsync(item int) {
	if m.endedByEndsync == nil {
		m.endedByEndsync = make(map[int]bool)
	}
	m.endedByEndsync[item] = true
}

// CTID is the physical position of a row. It is valid until another session changes the row, and a
// lookup by it is faster than by an index.
// https://www.postgresql.org/docs/current/ddl-system-columns.html
type CTID struct {
	Block  uint32
	Offset uint16
}

// HistoryQuestions returns the changes for which history has to be read, as marks by change; a
// slice without marks is nil. early marks the heads of chains that have no current row, or delete
// it, and may begin before the key was last current. suspects marks the changes that may be
// repetitions.
func (m *Matches) HistoryQuestions(f *FoldedChunk, lastEnd change.Micros) (early, suspects []bool) {
	head := 0
	for i := range f.Changes {
		it := &f.Changes[i]
		if it.Head {
			head = i
		}
		current := m.CurrentRows(head)
		afterDelete := !it.Head && !it.FollowsUpsert
		if (it.Upsert || it.TruncatedAt != 0) && (len(current) == 0 || afterDelete) && it.At <= lastEnd {
			early = SetMark(early, head, len(f.Changes))
		}
		if it.Suspect && !it.Repeated && (it.MayHaveMoved || !(it.Head && len(current) == 1 && current[0].SameValues)) {
			suspects = SetMark(suspects, i, len(f.Changes))
		}
	}
	return early, suspects
}

// NoteRepeated marks the changes that are certainly repetitions.
func (m *Matches) NoteRepeated(f *FoldedChunk) {
	for i := range f.Changes {
		if f.Changes[i].Repeated {
			m.MarkRepeated(i)
		}
	}
}

// SetMark sets mark i of n, and makes the slice with the first mark. It is as long as the chunk
// because a statement finds an element by s.ord without a join.
func SetMark(marks []bool, i, n int) []bool {
	if marks == nil {
		marks = make([]bool, n)
	}
	marks[i] = true
	return marks
}

// noteSuperseded notes that a change is late, and a later change that has been applied before it.
func (m *Matches) noteSuperseded(item int, later RowPosition) {
	if m.SupersededBy == nil {
		m.SupersededBy = make(map[int]RowPosition)
	}
	m.SupersededBy[item] = later
}
