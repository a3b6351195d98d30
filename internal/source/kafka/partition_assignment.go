package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// assignPartitions sets the offsets from which newly assigned partitions are read: the stored
// position; without one the offset where reading began in this process, if that is
// before the group's committed offset; else the committed offset; else the partition's
// start. It is kgo's AdjustFetchOffsetsFn. After an error kgo calls it again, and
// meanwhile Fetch returns the error.
func (s *Source) assignPartitions(ctx context.Context, offered map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	from, err := s.planAssignments(ctx, offered)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.assignErr = err
	return from, err
}

func (s *Source) planAssignments(ctx context.Context, offered map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	var parts []change.Partition
	topics := make([]string, 0, len(offered))
	for topic, numbers := range offered {
		topics = append(topics, topic)
		for number := range numbers {
			parts = append(parts, change.Partition{Topic: topic, Number: number})
		}
	}
	if len(parts) == 0 {
		return offered, nil
	}
	marks, err := s.config.LoadProgress(ctx, parts)
	if err != nil {
		return nil, err
	}
	log, err := s.loadTopicLogs(ctx, topics)
	if err != nil {
		return nil, err
	}
	partitions := make(map[string]int, len(topics))
	for part := range log.ends {
		partitions[part.Topic]++
	}
	begun := make([]change.Assignment, 0, len(parts))
	for _, part := range parts {
		mark, stored := marks[part]
		b := change.Assignment{Partition: part, Fresh: !stored, Stored: mark, TopicID: log.ids[part.Topic], Partitions: partitions[part.Topic]}
		if !stored {
			// The group's committed offset, negative without one.
			mark.Next = offered[part.Topic][part.Number].EpochOffset().Offset
			if first, known := s.config.FirstOffsets.recallOffset(s.config.ConsumerGroup, part, b.TopicID, mark.Next); known {
				s.config.Logger.Warn(fmt.Sprintf("the database has forgotten the position of %s: it is read again from offset %d, where it was begun", part, first))
				mark.Next, b.ReplayedBefore = first, mark.Next
			}
		}
		if b.From = log.starts[part]; mark.Next >= 0 {
			b.From, b.Gap = resumeOffset(part, mark, b.TopicID, b.From, log.ends[part])
		}
		s.config.FirstOffsets.noteOffset(s.config.ConsumerGroup, &b)
		offered[part.Topic][part.Number] = kgo.NewOffset().At(b.From)
		begun = append(begun, b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range begun {
		s.owned[b.Partition], s.nextOffsets[b.Partition] = true, b.From
	}
	s.assigned = append(s.assigned, begun...)
	return offered, nil
}

// resumeOffset returns the offset from which a partition with a stored position is read,
// and a gap if that is another offset than the stored one. start and end are the
// partition's first offset and the one after its last.
func resumeOffset(part change.Partition, mark change.PartitionProgress, id change.TopicID, start, end int64) (int64, *change.Gap) {
	unknown := change.TopicID{}
	switch {
	case mark.TopicID != unknown && id != unknown && mark.TopicID != id:
		return start, &change.Gap{Partition: part, Reason: fmt.Sprintf("topic %s was deleted and created again", part.Topic)}
	case mark.Next < start:
		return start, &change.Gap{
			Partition: part, Missing: start - mark.Next,
			Reason: fmt.Sprintf("%s has lost offsets %d to %d by retention", part, mark.Next, start-1),
		}
	case mark.Next > end:
		return start, &change.Gap{
			Partition: part,
			Reason:    fmt.Sprintf("%s ends at offset %d, before the stored position %d: it was created again or has lost data", part, end, mark.Next),
		}
	}
	return mark.Next, nil
}

// topicLogs has the ids, start and end offsets of some topics.
type topicLogs struct {
	ids          map[string]change.TopicID
	starts, ends map[change.Partition]int64
}

func (s *Source) loadTopicLogs(ctx context.Context, topics []string) (*topicLogs, error) {
	l := &topicLogs{
		ids:    make(map[string]change.TopicID),
		starts: make(map[change.Partition]int64), ends: make(map[change.Partition]int64),
	}
	details, err := s.admin.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("ask for topics: %w", err)
	}
	for name, detail := range details {
		l.ids[name] = change.TopicID(detail.ID)
	}
	starts, err := s.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read the starts of topics: %w", err)
	}
	ends, err := s.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read the ends of topics: %w", err)
	}
	for _, of := range []struct {
		listed kadm.ListedOffsets
		into   map[change.Partition]int64
	}{{starts, l.starts}, {ends, l.ends}} {
		if err := of.listed.Error(); err != nil {
			return nil, fmt.Errorf("read the offsets of topics: %w", err)
		}
		of.listed.Each(func(o kadm.ListedOffset) {
			of.into[change.Partition{Topic: o.Topic, Number: o.Partition}] = o.Offset
		})
	}
	return l, nil
}
