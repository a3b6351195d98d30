package ordering

import (
	"testing"

	"metadb/internal/change"
)

// loanEvent returns an upsert of a partition of another topic.
func loanEvent(number int32, lsn uint64) change.Event {
	e := event(number, 0, lsn)
	e.Position.Partition.Topic = "library.loan"
	return e
}

// TestUnknownEnds has two topics of two partitions; one partition has no leader, and so no
// known end. Changes of the other topic are released, and the end of a snapshot waits for
// both.
func TestUnknownEnds(t *testing.T) {
	b := newReadingGate(2)
	loans := []change.Partition{loanEvent(0, 0).Position.Partition, loanEvent(1, 0).Position.Partition}
	b.queues.assign([]change.Assignment{{Partition: loans[0], Fresh: true}, {Partition: loans[1], Fresh: true}})
	got := b.addEvents([]change.Event{event(0, 0, 1), loanEvent(0, 2), last(1, 0, 3)})
	known := ends(1, 1)
	if got = append(got, b.SetEnds(known, true)...); describePositions(got) != "0@0" || got[0].Position.Partition.Topic != topicName {
		t.Errorf("while one topic's ends are not known %+v passed, want the change of the other", got)
	}
	known[loans[0]], known[loans[1]] = 1, 0
	if got := b.SetEnds(known, true); len(got) != 2 || got[0].Position.Partition != loans[0] {
		t.Errorf("when all are known %+v passed, want the change and the end of the snapshot", got)
	}
}
