package kafka

import (
	"context"
	"fmt"

	"metadb/internal/change"
)

// jump is a place where a partition did not continue with the next offset.
type jump struct {
	partition change.Partition
	from, to  int64
}

// advance moves the expected offsets past the events, and returns where they
// jumped. Most jumps are harmless: compaction, aborted transactions.
func (s *Source) advance(events []change.Event) []jump {
	s.mu.Lock()
	defer s.mu.Unlock()
	var jumps []jump
	var part change.Partition
	var next int64
	var ours bool
	for i := range events {
		at := events[i].Position
		if i == 0 || at.Partition != part {
			part = at.Partition
			if next, ours = s.next[part]; ours && at.Offset > next {
				jumps = append(jumps, jump{part, next, at.Offset})
			}
		}
		if last := i+1 == len(events) || events[i+1].Position.Partition != part; last && ours {
			s.next[part] = at.Offset + 1
		}
	}
	return jumps
}

// gaps returns those jumps that lost records: the topic begins only behind the
// expected offset. The client goes on at the start of what is left by itself.
// Where the broker does not answer, the jumps are asked about the next time.
func (s *Source) gaps(ctx context.Context, jumps []jump) []change.Gap {
	s.jumps = append(s.jumps, jumps...)
	if len(s.jumps) == 0 {
		return nil
	}
	var topics []string
	for _, j := range s.jumps {
		topics = append(topics, j.partition.Topic)
	}
	starts, err := s.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		s.config.Logger.Debug("read the starts of topics", "error", err)
		return nil
	}
	jumps, s.jumps = s.jumps, nil
	var gaps []change.Gap
	for _, j := range jumps {
		start, ok := starts.Lookup(j.partition.Topic, j.partition.Number)
		if !ok || start.Err != nil || start.Offset <= j.from {
			continue
		}
		lost := min(start.Offset, j.to)
		gaps = append(gaps, change.Gap{
			Partition: j.partition, Missing: lost - j.from,
			Reason: fmt.Sprintf("%s has lost offsets %d to %d by retention", j.partition, j.from, lost-1),
		})
	}
	return gaps
}
