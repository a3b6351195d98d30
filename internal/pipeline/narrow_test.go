package pipeline

import (
	"fmt"
	"testing"

	"metadb/internal/change"
)

// wide sends an event of each of many topics at once.
func (r *rig) wide(topics int) {
	var all change.Delivery
	for i := range topics {
		part := change.Partition{Topic: fmt.Sprintf("topic_%03d", i)}
		all.Begun = append(all.Begun, begin(part, change.Mark{}))
		all.Events = append(all.Events, upsert(part, 0, 1, 1))
	}
	r.send(all)
}

// part is a batch that was applied: how many topics it has events of, how many
// spans.
type part struct{ topics, spans int }

func (r *rig) part() part {
	b := r.batch()
	topics := make(map[string]bool)
	for i := range b.Events {
		topics[b.Events[i].Position.Partition.Topic] = true
	}
	return part{len(topics), len(b.Spans)}
}

// TestManyTopics: a batch of more topics than a transaction should have is applied
// in parts, whose spans are their own.
func TestManyTopics(t *testing.T) {
	r := start(t, nil)
	r.wide(250)
	for _, want := range []part{{100, 100}, {100, 100}, {50, 50}} {
		if got := r.part(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		r.answer(nil)
	}
}

// TestOutOfLocks: what the database has no memory for is halved, down to a topic.
func TestOutOfLocks(t *testing.T) {
	r := start(t, nil)
	r.wide(4)
	full := stuckError{table, outOfMemory}
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
		if got := r.part(); got != step.part {
			t.Errorf("got %+v, want %+v", got, step.part)
		}
		r.answer(step.err)
	}
}
