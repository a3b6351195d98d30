package pipeline

import (
	"fmt"
	"slices"

	"metadb/internal/change"
)

// splitLanes takes the events, spans and attempt records of lanes out of a batch and
// returns them as another one. The snapshot signals stay.
func (b *batch) splitLanes(lanes map[change.Lane]bool) *batch {
	dealt := b.splitBy(2, func(lane change.Lane) int {
		if lanes[lane] {
			return 1
		}
		return 0
	})
	rest, part := dealt[0], dealt[1]
	part.attemptRecords = b.attemptRecords.takeLanes(lanes)
	b.Events, b.Spans, b.bytes = rest.Events, rest.Spans, b.bytes-part.bytes
	return part
}

// splitBy distributes the events and spans of a batch over n others, by lane. The snapshot
// signals stay.
func (b *batch) splitBy(n int, to func(lane change.Lane) int) []*batch {
	dealt, counts := make([]*batch, n), make([]int, n)
	for i := range b.Events {
		counts[to(b.Events[i].Position.Partition.Lane())]++
	}
	for i := range dealt {
		dealt[i] = &batch{}
		dealt[i].Source, dealt[i].ExpectedSince, dealt[i].Events = b.Source, b.ExpectedSince, make([]change.Event, 0, counts[i])
	}
	for _, span := range b.Spans {
		other := dealt[to(span.Partition.Lane())]
		other.Spans = append(other.Spans, span)
	}
	for i := range b.Events {
		dealt[to(b.Events[i].Position.Partition.Lane())].addEvent(&b.Events[i])
	}
	return dealt
}

func (b *batch) addEvent(e *change.Event) {
	b.Events = append(b.Events, *e)
	b.bytes += e.Size()
	b.lastTime = max(b.lastTime, e.Time)
}

// appendBatch appends the batch that follows. If a span does not follow, because its
// partition was read again meanwhile, the batches must be given up.
func (b *batch) appendBatch(next *batch) error {
	for _, span := range next.Spans {
		at := slices.IndexFunc(b.Spans, func(s change.Span) bool { return s.Partition == span.Partition })
		switch {
		case at < 0:
			b.Spans = append(b.Spans, span)
		case !b.Spans[at].To.Equal(&span.From):
			return fmt.Errorf("%s is read anew while its table waits", span.Partition)
		default:
			b.Spans[at].To = span.To
		}
	}
	b.Source = next.Source
	for i := range next.Events {
		b.addEvent(&next.Events[i])
	}
	b.attemptRecords = append(b.attemptRecords, next.attemptRecords...)
	return nil
}
