package pipeline

import (
	"fmt"
	"testing"
	"time"

	"metadb/internal/change"
)

// TestBarrierOfManyTopics has a change wait in each of 10,000 topics, for a partition that
// is silent: what that takes must not grow with the square of their number, or the
// collector would be busy with nothing else for as long as they wait.
func TestBarrierOfManyTopics(t *testing.T) {
	const topics, most = 10_000, 5 * time.Second
	b := newBarrier(func(*change.Event) bool { return true })
	var begun []change.Beginning
	var changes []change.Event
	known := make(map[change.Partition]int64)
	for i := range topics {
		first := change.Partition{Topic: fmt.Sprintf("library.patron%05d", i)}
		second := change.Partition{Topic: first.Topic, Number: 1}
		begun = append(begun, change.Beginning{Partition: first}, change.Beginning{Partition: second})
		changes = append(changes, change.Event{Op: change.Upsert, LSN: 1, Position: change.Position{Partition: first}})
		known[first], known[second] = 1, 1
	}
	b.begin(begun)
	if passed := b.pass(changes); len(passed) > 0 {
		t.Fatalf("%d changes did not wait", len(passed))
	}
	began := time.Now()
	if passed := b.told(known); len(passed) > 0 {
		t.Fatalf("%d changes did not wait for the other partition", len(passed))
	}
	for range 3 {
		if found := b.stalled(); len(found) > 0 {
			t.Fatalf("%d partitions are silent too early", len(found))
		}
		b.passTime(emptyPoll)
	}
	found := b.stalled()
	if took := time.Since(began); took > most {
		t.Errorf("looking for what %d topics wait for took %s, want %s at most", topics, took, most)
	}
	if len(found) != topics {
		t.Errorf("%d partitions are silent, want %d", len(found), topics)
	}
	if passed := b.goOn(found, nil); len(passed) != topics {
		t.Errorf("%d changes went on, want %d", len(passed), topics)
	}
}
