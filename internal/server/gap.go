package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/checkpoint"
	"metadb/internal/datasource"
	"metadb/internal/source/kafka"
)

// topicsInterval is how often it is asked whether topics are still there.
const topicsInterval = 30 * time.Second

// loadGaps shows in the status what is known to be missing, as an earlier run has
// stored it: the stream going on does not mend it, only a resynchronization does.
func (s *stream) loadGaps(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, "SELECT topic, partition, missing, reason FROM metadb.stream_gap WHERE source_name = $1 ORDER BY found_at, topic, partition", s.captured.Name)
	if err != nil {
		return fmt.Errorf("read the gaps in the stream: %w", err)
	}
	s.state.ClearGap()
	var gap change.Gap
	_, err = pgx.ForEachRow(rows, []any{&gap.Partition.Topic, &gap.Partition.Number, &gap.Missing, &gap.Reason}, func() error {
		s.state.SetGap(gap.Missing, gapMessage(gap))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the gaps in the stream: %w", err)
	}
	return nil
}

func gapMessage(gap change.Gap) string {
	missing := ""
	if gap.Missing > 0 {
		missing = ", " + change.Count(gap.Missing, "event is", "events are") + " missing"
	}
	return fmt.Sprintf("%s%s; the data source has to be resynchronized", gap.Reason, missing)
}

// foundGap stores a gap, says it in the log and shows it. One that is stored
// already, found again after a crash, counts once.
func (s *stream) foundGap(ctx context.Context, gap change.Gap) {
	const sql = `
INSERT INTO metadb.stream_gap AS g (source_name, topic, partition, missing, reason) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (source_name, topic, partition) DO UPDATE
   SET missing = g.missing + excluded.missing, reason = excluded.reason, found_at = excluded.found_at
 WHERE g.reason <> excluded.reason`
	tag, err := s.pool.Exec(ctx, sql, s.captured.Name, gap.Partition.Topic, gap.Partition.Number, gap.Missing, gap.Reason)
	switch {
	case err != nil:
		s.logger.Warn(fmt.Sprintf("source %q: store a gap in the stream: %v", s.captured.Name, err))
	case tag.RowsAffected() == 0:
		return
	}
	s.logger.Warn(fmt.Sprintf("source %q: gap in the stream: %s", s.captured.Name, gapMessage(gap)))
	s.state.SetGap(gap.Missing, gapMessage(gap))
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
			s.foundGap(ctx, change.Gap{
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
