package pipeline

import (
	"fmt"
	"slices"

	"metadb/internal/change"
)

// split takes the events and spans of topics out of a batch and returns them as
// another one. The marks stay, but for those of the topics' attempts.
func (b *batch) split(topics map[string]bool) *batch {
	dealt := b.deal(2, func(topic string) int {
		if topics[topic] {
			return 1
		}
		return 0
	})
	rest, part := dealt[0], dealt[1]
	part.sightings = b.sightings.take(topics)
	b.Events, b.Spans, b.bytes = rest.Events, rest.Spans, b.bytes-part.bytes
	return part
}

// deal deals the events and spans of a batch out to n others, by their topics. The marks
// stay.
func (b *batch) deal(n int, to func(topic string) int) []*batch {
	dealt, counts := make([]*batch, n), make([]int, n)
	for i := range b.Events {
		counts[to(b.Events[i].Position.Partition.Topic)]++
	}
	for i := range dealt {
		dealt[i] = &batch{}
		dealt[i].Source, dealt[i].Observed, dealt[i].Events = b.Source, b.Observed, make([]change.Event, 0, counts[i])
	}
	for _, span := range b.Spans {
		other := dealt[to(span.Partition.Topic)]
		other.Spans = append(other.Spans, span)
	}
	for i := range b.Events {
		dealt[to(b.Events[i].Position.Partition.Topic)].add(&b.Events[i])
	}
	return dealt
}

func (b *batch) add(e *change.Event) {
	b.Events = append(b.Events, *e)
	b.bytes += size(e)
	b.last = max(b.last, e.Time)
}

// join appends what follows a batch. Where it does not follow, because a
// partition is read anew meanwhile, the stream starts again.
func (b *batch) join(next *batch) error {
	for _, span := range next.Spans {
		at := slices.IndexFunc(b.Spans, func(s change.Span) bool { return s.Partition == span.Partition })
		switch {
		case at < 0:
			b.Spans = append(b.Spans, span)
		case !b.Spans[at].To.Equal(&span.From):
			return fmt.Errorf("%w: %s is read anew while its table waits", ErrRestart, span.Partition)
		default:
			b.Spans[at].To = span.To
		}
	}
	b.Source = next.Source
	for i := range next.Events {
		b.add(&next.Events[i])
	}
	b.sightings = append(b.sightings, next.sightings...)
	return nil
}
