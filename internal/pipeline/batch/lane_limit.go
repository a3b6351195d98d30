package batch

import "metadb/internal/change"

// A transaction takes about ten locks for each table that it creates, and PostgreSQL's
// default settings allow 6,400 locks for all sessions: the first batch of a source
// with many small tables would need more. Such a batch is applied in parts, divided by
// lane: order is kept per key, and a key has one lane. The signals of snapshots
// are reported with the last part.
// https://www.postgresql.org/docs/current/runtime-config-locks.html

// MaxBatchLanes bounds the lanes with events in one transaction.
const MaxBatchLanes = 100

// SplitByLaneLimit splits a batch into as few parts as possible, of MaxBatchLanes each.
func (b *Batch) SplitByLaneLimit() []*Batch {
	var parts []*Batch
	for part := b.SplitOffLanes(MaxBatchLanes); part != nil; part = b.SplitOffLanes(MaxBatchLanes) {
		parts = append(parts, part)
	}
	return append(parts, b)
}

// SplitOffLanes takes the given number of lanes out of a batch, and returns nil if the batch
// has no more than that. Lanes with the end of a snapshot stay to the last.
func (b *Batch) SplitOffLanes(most int) *Batch {
	all := b.Lanes()
	if len(all) <= most {
		return nil
	}
	last := make(map[change.Lane]bool)
	for _, at := range b.Signals.All.LastRecords {
		last[at.Partition.Lane()] = true
	}
	first := make(map[change.Lane]bool, most)
	for _, late := range []bool{false, true} {
		for _, lane := range all {
			if len(first) < most && last[lane] == late {
				first[lane] = true
			}
		}
	}
	return b.TakeLanes(first)
}

// Lanes returns the lanes of the batch's events, in the order of their first events.
func (b *Batch) Lanes() []change.Lane {
	var lanes []change.Lane
	known := make(map[change.Lane]bool)
	var latest change.Partition
	for i := range b.Events {
		part := b.Events[i].Position.Partition
		if part == latest || known[part.Lane()] {
			continue
		}
		latest = part
		known[part.Lane()] = true
		lanes = append(lanes, part.Lane())
	}
	return lanes
}
