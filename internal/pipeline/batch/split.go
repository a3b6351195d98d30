package batch

import (
	"fmt"
	"slices"

	"metadb/internal/change"
)

// TakeLanes takes the events, spans and attempt records of lanes out of a batch and
// returns them as another one. The snapshot signals stay.
func (b *Batch) TakeLanes(lanes map[change.Lane]bool) *Batch {
	dealt := b.SplitBy(2, func(lane change.Lane) int {
		if lanes[lane] {
			return 1
		}
		return 0
	})
	rest, part := dealt[0], dealt[1]
	part.AttemptRecords = b.AttemptRecords.takeLanes(lanes)
	b.Events, b.Spans, b.Bytes = rest.Events, rest.Spans, b.Bytes-part.Bytes
	return part
}

// SplitBy distributes the events and spans of a batch over n others, by lane. The snapshot
// signals stay.
func (b *Batch) SplitBy(n int, to func(lane change.Lane) int) []*Batch {
	dealt, counts := make([]*Batch, n), make([]int, n)
	for i := range b.Events {
		counts[to(b.Events[i].Position.Partition.Lane())]++
	}
	for i := range dealt {
		dealt[i] = &Batch{}
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

func (b *Batch) addEvent(e *change.Event) {
	b.Events = append(b.Events, *e)
	b.Bytes += e.Size()
	b.LastTime = max(b.LastTime, e.Time)
}

// Append appends the batch that follows. If a span does not follow, because its
// partition was read again meanwhile, the batches must be given up.
func (b *Batch) Append(next *Batch) error {
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
	b.AttemptRecords = append(b.AttemptRecords, next.AttemptRecords...)
	return nil
}
