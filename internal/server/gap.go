package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/checkpoint"
	"metadb/internal/datasource"
	"metadb/internal/gap"
	"metadb/internal/source/kafka"
	"metadb/internal/status"
)

// topicsInterval is how often it is asked whether topics are still there.
const topicsInterval = 30 * time.Second

// loadGaps shows in the status what is known to be missing, as an earlier run has
// stored it: the stream going on does not mend it, only a resynchronization does.
func (s *stream) loadGaps(ctx context.Context) error {
	gaps, err := gap.Load(ctx, s.pool, s.captured.Name)
	if err != nil {
		return err
	}
	s.state.SetGaps(gaps)
	return nil
}

// recordGap stores a gap that reading has found, says it in the log and shows it.
func (s *stream) recordGap(ctx context.Context, found change.Gap) {
	news, err := gap.Record(ctx, s.pool, s.captured.Name, found)
	switch {
	case err != nil:
		s.logger.Warn(fmt.Sprintf("source %q: %v", s.captured.Name, err))
	case !news:
		return
	}
	s.logger.Warn(fmt.Sprintf("source %q: gap in the stream: %s", s.captured.Name, status.GapText(found)))
	if err == nil {
		err = s.loadGaps(ctx)
	}
	if err != nil {
		s.state.AddGap(found)
	}
}

// watchTopics looks from time to time whether topics that have positions are gone,
// and whether topics are compacted, until ctx ends. A broker that does not answer
// is asked again.
func (s *stream) watchTopics(ctx context.Context, o *datasource.Options) {
	compacted := make(map[string]bool)
	for {
		if err := s.lookAtTopics(ctx, o, compacted); err != nil && ctx.Err() == nil {
			s.logger.Debug(fmt.Sprintf("source %q: look at topics: %v", o.Name, err))
		}
		if wait(ctx, topicsInterval) != nil {
			return
		}
	}
}

func (s *stream) lookAtTopics(ctx context.Context, o *datasource.Options, compacted map[string]bool) error {
	expressions, err := o.TopicExpressions()
	if err != nil {
		return err
	}
	marks, err := checkpoint.Load(ctx, s.pool, o.Name, o.ConsumerGroup, nil)
	if err != nil {
		return err
	}
	topics := make(map[string]int32)
	for part, mark := range marks {
		if mark.Next == 0 {
			continue // nothing of it has been read, or sync has seen that it is gone
		}
		for _, e := range expressions {
			if first, known := topics[part.Topic]; e.MatchString(part.Topic) && (!known || part.Number < first) {
				topics[part.Topic] = part.Number
			}
		}
	}
	names := slices.Sorted(maps.Keys(topics))
	there, err := kafka.AskBounds(ctx, o.BrokerList(), security(o), names)
	if err != nil {
		return err
	}
	exists := make(map[string]bool)
	for part := range there {
		exists[part.Topic] = true
	}
	for _, name := range names {
		if !exists[name] {
			s.recordGap(ctx, change.Gap{
				Partition: change.Partition{Topic: name, Number: topics[name]},
				Reason:    fmt.Sprintf("topic %s, which has been read, is gone", name),
			})
		}
	}
	return s.lookForCompacted(ctx, o, names, compacted)
}

// lookForCompacted warns once of each topic that is compacted.
func (s *stream) lookForCompacted(ctx context.Context, o *datasource.Options, names []string, known map[string]bool) error {
	found, err := kafka.AskCompacted(ctx, o.BrokerList(), security(o), names)
	if err != nil {
		return err
	}
	for _, name := range found {
		if known[name] {
			continue
		}
		known[name] = true
		s.logger.Warn(fmt.Sprintf("source %q: topic %s is compacted: deletes may be lost without notice; set its cleanup.policy to delete", o.Name, name))
	}
	slices.Sort(found)
	s.state.SetCompacted(strings.Join(found, ", "))
	return nil
}
