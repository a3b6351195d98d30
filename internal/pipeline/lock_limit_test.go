package pipeline

import (
	"fmt"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// sendTopics sends one delivery with an event of each of many topics.
func (r *harness) sendTopics(topics int) {
	var all change.Delivery
	for i := range topics {
		part := change.Partition{Topic: fmt.Sprintf("topic_%03d", i)}
		all.Assigned = append(all.Assigned, begin(part, change.PartitionProgress{}))
		all.Events = append(all.Events, upsert(part, 0, 1, 1))
	}
	r.send(all)
}

// part counts the topics and spans of an applied batch.
type part struct{ topics, spans int }

func (r *harness) nextPart() part {
	b := r.batch()
	topics := make(map[string]bool)
	for i := range b.Events {
		topics[b.Events[i].Position.Partition.Topic] = true
	}
	return part{len(topics), len(b.Spans)}
}

// TestManyTopics expects a batch of more topics than one transaction may have to be
// applied in parts with their own spans.
func TestManyTopics(t *testing.T) {
	r := start(t, nil)
	r.sendTopics(250)
	for _, want := range []part{{100, 100}, {100, 100}, {50, 50}} {
		if got := r.nextPart(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		r.answer(nil)
	}
}

// TestOutOfLocks expects a batch that needs too many locks to be halved, down to one topic.
func TestOutOfLocks(t *testing.T) {
	r := start(t, nil)
	r.sendTopics(4)
	full := stuckError{table, pgcode.OutOfMemory}
	for _, step := range []struct {
		part
		err error
	}{
		{part{4, 4}, full},
		{part{2, 2}, full},
		{part{1, 1}, full},
		{part{1, 1}, nil},
		{part{1, 1}, nil},
		{part{2, 2}, nil},
	} {
		if got := r.nextPart(); got != step.part {
			t.Errorf("got %+v, want %+v", got, step.part)
		}
		r.answer(step.err)
	}
}
