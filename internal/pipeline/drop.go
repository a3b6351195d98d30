package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// drop takes the events of partitions out of a batch that were given or taken since,
// whose spans would not cover them: they are delivered once more, here or elsewhere. It
// reports whether what is left can't be applied without them: the events of a topic's
// other partitions that follow them, which the barrier let through only behind them,
// or the end of a snapshot.
func (b *batch) drop(delivery change.Delivery) (needed bool) {
	gone := make(map[change.Partition]bool)
	for _, part := range delivery.Ended {
		gone[part] = true
	}
	for _, begun := range delivery.Begun {
		gone[begun.Partition] = true
	}
	if len(gone) == 0 {
		return false
	}
	without := make(map[string]bool)
	b.Events = slices.DeleteFunc(b.Events, func(e change.Event) bool {
		part := e.Position.Partition
		switch {
		case gone[part]:
			b.bytes -= size(&e)
			without[part.Topic] = true
		case without[part.Topic]:
			needed = true
		}
		return gone[part]
	})
	for part := range gone {
		b.marks.drop(part)
		b.sightings.drop(part)
	}
	return needed || len(without) > 0 && len(b.marks.ends) > 0
}
