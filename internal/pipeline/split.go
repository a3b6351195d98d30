package pipeline

import (
	"fmt"
	"slices"

	"metadb/internal/change"
)

// split takes the events and spans of topics out of a batch and returns them as
// another one. The marks stay.
func (b *batch) split(topics map[string]bool) *batch {
	part := &batch{}
	part.Source = b.Source
	var rest []change.Event
	for i := range b.Events {
		e := &b.Events[i]
		if topics[e.Position.Partition.Topic] {
			part.add(e)
		} else {
			rest = append(rest, *e)
		}
	}
	b.Events, b.bytes = rest, b.bytes-part.bytes
	b.Spans = slices.DeleteFunc(slices.Clone(b.Spans), func(span change.Span) bool {
		ours := topics[span.Partition.Topic]
		if ours {
			part.Spans = append(part.Spans, span)
		}
		return ours
	})
	return part
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
		case b.Spans[at].To != span.From:
			return fmt.Errorf("%w: %s is read anew while its table waits", ErrRestart, span.Partition)
		default:
			b.Spans[at].To = span.To
		}
	}
	b.Source = next.Source
	for i := range next.Events {
		b.add(&next.Events[i])
	}
	return nil
}
