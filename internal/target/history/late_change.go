package history

import (
	"slices"

	"metadb/internal/change"
)

// LateError is the error for events of a chunk that begin before versions of their keys in the
// table. They are inserted into history.
type LateError struct {
	// Events are indexes into the batch.
	Events []int
}

func (e *LateError) Error() string {
	return change.Plural(len(e.Events), "event comes", "events come") + " before what the table has of their keys"
}

// FindLate returns a LateError with the events of a retried chunk that have a later version of
// their keys, or nil.
func (m *Matches) FindLate(f *FoldedChunk) error {
	late := &LateError{}
	for i := 0; i < len(f.Changes); {
		end := f.chainEnd(i)
		overtaken := m.LastEnd[i] > f.Changes[i].At && !m.endedByEndsync[i]
		for _, row := range m.CurrentRows(i) {
			overtaken = overtaken || row.Start > f.Changes[i].At
		}
		for ; i < end; i++ {
			if overtaken {
				late.Events = append(late.Events, f.Changes[i].Event)
			}
		}
	}
	if len(late.Events) == 0 {
		return nil
	}
	slices.Sort(late.Events)
	return late
}

// FindPrecedingTruncate returns a LateError with the changes that precede a truncate and concern
// stored versions of their keys: current ones, those that ended later or with the truncate, and
// those that have unavailable values. Other changes that precede a truncate are left to decide.
func (m *Matches) FindPrecedingTruncate(f *FoldedChunk) error {
	late := &LateError{}
	for i := 0; i < len(f.Changes); {
		end := f.chainEnd(i)
		concerned := false
		for k := i; k < end; k++ {
			it := &f.Changes[k]
			if it.TruncatedAt == 0 || m.Repeated[k] {
				continue
			}
			concerned = concerned || len(m.CurrentRows(i)) > 0 || it.Unavailable != nil ||
				m.LastEnd[i] > it.At || m.LastEnd[i] == it.At && it.At == it.TruncatedAt
			if concerned {
				late.Events = append(late.Events, it.Event)
			}
		}
		i = end
	}
	if len(late.Events) == 0 {
		return nil
	}
	slices.Sort(late.Events)
	return late
}
