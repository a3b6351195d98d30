package ordering

import (
	"fmt"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/testkit/pace"
)

// TestBarrierOfManyTopics has a change in each of 10,000 topics wait for an idle partition.
// The cost must not grow with the square of their number, or the collect stage would be
// busy as long as they wait.
func TestBarrierOfManyTopics(t *testing.T) {
	const topics, most = 10_000, 5 * time.Second
	b := newTestGate(true)
	var begun []change.Assignment
	var changes []change.Event
	known := make(map[change.Partition]int64)
	for i := range topics {
		first := change.Partition{Topic: fmt.Sprintf("library.patron%05d", i)}
		second := change.Partition{Topic: first.Topic, Number: 1}
		begun = append(begun, change.Assignment{Partition: first}, change.Assignment{Partition: second})
		changes = append(changes, change.Event{Op: change.Upsert, LSN: 1, Position: change.Position{Partition: first}})
		known[first], known[second] = 1, 1
	}
	b.queues.assign(begun)
	if passed := b.addEvents(changes); len(passed) > 0 {
		t.Fatalf("%d changes did not wait", len(passed))
	}
	began := time.Now()
	if passed := b.SetEnds(known, true); len(passed) > 0 {
		t.Fatalf("%d changes did not wait for the other partition", len(passed))
	}
	for range 3 {
		if found := b.findStalled(); len(found) > 0 {
			t.Fatalf("%d partitions are silent too early", len(found))
		}
		passInterval(b)
	}
	found := b.findStalled()
	if took := time.Since(began); took > pace.Bound(most) {
		t.Errorf("looking for what %d topics wait for took %s, want %s at most", topics, took, most)
	}
	if len(found) != topics {
		t.Errorf("%d partitions are silent, want %d", len(found), topics)
	}
	if passed, _ := b.ReleaseStalled(found, nil); len(passed) != topics {
		t.Errorf("%d changes went on, want %d", len(passed), topics)
	}
}
