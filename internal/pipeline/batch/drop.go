package batch

import (
	"slices"

	"metadb/internal/change"
)

// DropReassigned removes the events of partitions from a batch that were assigned or revoked
// since: the batch's spans would not cover them, and they are delivered again, here or to
// another member. It reports whether the rest of the batch needs them: events of the lane's
// other partitions that were released after them, or the end of a snapshot.
func (b *Batch) DropReassigned(delivery change.Delivery) (needed bool) {
	gone := make(map[change.Partition]bool)
	for _, part := range delivery.Revoked {
		gone[part] = true
	}
	for _, begun := range delivery.Assigned {
		gone[begun.Partition] = true
	}
	if len(gone) == 0 {
		return false
	}
	without := make(map[change.Lane]bool)
	b.Events = slices.DeleteFunc(b.Events, func(e change.Event) bool {
		part := e.Position.Partition
		switch {
		case gone[part]:
			b.Bytes -= e.Size()
			without[part.Lane()] = true
		case without[part.Lane()]:
			needed = true
		}
		return gone[part]
	})
	for part := range gone {
		b.Signals.dropPartition(part)
		b.AttemptRecords.dropPartition(part)
	}
	return needed || len(without) > 0 && len(b.Signals.EndPartitions) > 0
}
