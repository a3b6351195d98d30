package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// sightings are the attempts of snapshots that the records of a batch belong to, those
// included whose records change nothing here. Each goes with the topic that it is in,
// when a batch is divided: an attempt begins to count in the transaction that moves the
// position past its record.
type sightings []change.Sighting

// note notes the attempt that an event belongs to, which has been routed. One sighting
// stands for a run of records of one table and partition.
func (s *sightings) note(e *change.Event) {
	if e.Snapshot == change.Streamed || e.Snapshot == change.Incremental || e.Notice != nil {
		return
	}
	attempt := change.AttemptOf(e)
	if !attempt.Known() {
		return
	}
	last := len(*s) - 1
	if last < 0 || (*s)[last].Table != e.Table || (*s)[last].Position.Partition != e.Position.Partition || !(*s)[last].Same(attempt) {
		*s = append(*s, change.Sighting{Attempt: attempt, Table: e.Table})
		last++
	}
	seen := &(*s)[last]
	seen.Position = e.Position
	if e.First {
		seen.Firsts++
	}
	seen.Last = seen.Last || e.Snapshot == change.LastInSnapshot
}

// take returns the sightings in some topics, and keeps the others.
func (s *sightings) take(topics map[string]bool) sightings {
	var taken sightings
	*s = slices.DeleteFunc(*s, func(seen change.Sighting) bool {
		there := topics[seen.Position.Partition.Topic]
		if there {
			taken = append(taken, seen)
		}
		return there
	})
	return taken
}

// drop forgets the sightings in a partition whose records will be read again.
func (s *sightings) drop(part change.Partition) {
	*s = slices.DeleteFunc(*s, func(seen change.Sighting) bool { return seen.Position.Partition == part })
}

// attempts returns what is known of the attempts of the snapshot after a batch, and
// whether one begins with it. Of a single table only its own records begin one: those of
// other tables may be of a snapshot of theirs.
func (a *awaited) attempts(b *batch) (known change.Attempts, anew bool) {
	known = a.Attempts
	for _, seen := range b.sightings {
		if a.counts(seen.Position) {
			anew = known.Observe(seen, a.Table == AllTables || a.Table == seen.Table) || anew
		}
	}
	return known, anew
}
