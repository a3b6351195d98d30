package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/source/kafka"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/gap"
)

// loadGaps shows the stored gaps in the status. A gap is not closed by later events, only by a
// resynchronization.
func (s *stream) loadGaps(ctx context.Context) error {
	gaps, err := gap.Load(ctx, s.pool, s.startOptions.Name)
	if err != nil {
		return err
	}
	s.state.SetGaps(gaps)
	return nil
}

// recordGap stores a gap that was found while reading, logs it and shows it in the status.
func (s *stream) recordGap(ctx context.Context, found change.Gap) {
	news, err := gap.Record(ctx, s.pool, s.startOptions.Name, found)
	switch {
	case err != nil:
		s.logger.Warn(fmt.Sprintf("source %q: %v", s.startOptions.Name, err))
	case !news:
		return
	}
	s.logger.Warn(fmt.Sprintf("source %q: gap in the stream: %s", s.startOptions.Name, status.GapText(found)))
	if err == nil {
		err = s.loadGaps(ctx)
	}
	if err != nil {
		s.state.AddGap(found)
	}
}

// checkTopics checks whether topics with positions are gone, and whether topics are compacted.
func (w *brokerWatch) checkTopics(ctx context.Context) error {
	o := w.options
	marks, err := checkpoint.Load(ctx, w.pool, o.Name, o.ConsumerGroup, nil)
	if err != nil {
		return err
	}
	topics := make(map[string]int32)
	for part, mark := range marks {
		if mark.Next == 0 {
			continue // no record of it has been read, or sync has reset the position
		}
		for _, e := range w.expressions {
			if first, known := topics[part.Topic]; e.MatchString(part.Topic) && (!known || part.Number < first) {
				topics[part.Topic] = part.Number
			}
		}
	}
	names := slices.Sorted(maps.Keys(topics))
	there, err := kafka.QueryBounds(ctx, o.BrokerList(), kafka.SecurityOf(o, w.key), names)
	if err != nil {
		return err
	}
	exists := make(map[string]bool)
	for part := range there {
		exists[part.Topic] = true
	}
	for _, name := range names {
		if !exists[name] {
			w.recordGap(ctx, change.Gap{
				Partition: change.Partition{Topic: name, Number: topics[name]},
				Reason:    fmt.Sprintf("topic %s, which has been read, is gone", name),
			})
		}
	}
	return w.warnCompacted(ctx, names)
}

// warnCompacted warns once of each compacted topic.
func (w *brokerWatch) warnCompacted(ctx context.Context, names []string) error {
	found, err := kafka.QueryCompacted(ctx, w.options.BrokerList(), kafka.SecurityOf(w.options, w.key), names)
	if err != nil {
		return err
	}
	for _, name := range found {
		if w.compacted[name] {
			continue
		}
		w.compacted[name] = true
		w.logger.Warn(fmt.Sprintf("source %q: topic %s is compacted: deletes may be lost without notice; set its cleanup.policy to delete", w.options.Name, name))
	}
	slices.Sort(found)
	w.state.SetCompacted(strings.Join(found, ", "))
	return nil
}
