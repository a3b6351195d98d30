package batch

import (
	"slices"

	"metadb/internal/change"
)

// AttemptRecords summarize the records of snapshot attempts in a batch, including records
// without a change. They stay with their lane when a batch is divided: an attempt counts
// from the transaction on that moves the position past its record.
type AttemptRecords []change.AttemptRecords

// AddEvent adds a routed event to the records of its attempt. One element stands for a run of
// records of one table and partition.
func (s *AttemptRecords) AddEvent(e *change.Event) {
	if e.Snapshot == change.Streamed || e.Snapshot == change.Incremental || e.Notification != nil {
		return
	}
	attempt := change.AttemptOf(e)
	if !attempt.IsKnown() {
		return
	}
	last := len(*s) - 1
	if last < 0 || (*s)[last].Table != e.Table || (*s)[last].Position.Partition != e.Position.Partition || !(*s)[last].IsSame(attempt) {
		*s = append(*s, change.AttemptRecords{Attempt: attempt, Table: e.Table})
		last++
	}
	seen := &(*s)[last]
	seen.Position = e.Position
	if e.FirstInSnapshot {
		seen.Firsts++
	}
	seen.Last = seen.Last || e.Snapshot == change.LastInSnapshot
}

// takeLanes removes and returns the elements in some lanes.
func (s *AttemptRecords) takeLanes(lanes map[change.Lane]bool) AttemptRecords {
	var taken AttemptRecords
	*s = slices.DeleteFunc(*s, func(seen change.AttemptRecords) bool {
		there := lanes[seen.Position.Partition.Lane()]
		if there {
			taken = append(taken, seen)
		}
		return there
	})
	return taken
}

// dropPartition drops the elements in a partition that will be read again.
func (s *AttemptRecords) dropPartition(part change.Partition) {
	*s = slices.DeleteFunc(*s, func(seen change.AttemptRecords) bool { return seen.Position.Partition == part })
}
