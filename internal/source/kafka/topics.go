package kafka

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/source"
)

// ErrNoTopic is the error while no topic matches the source's expressions. It wraps
// [source.ErrNothingToRead].
var ErrNoTopic error = noTopicError{}

type noTopicError struct{}

func (noTopicError) Error() string { return "no topic matches" }

func (noTopicError) Unwrap() error { return source.ErrNothingToRead }

// CheckTopics returns nil if any topic of the broker matches. The error wraps ErrNoTopic
// if no topic does, and is another one if the broker does not answer within
// adminTimeout.
func (s *Source) CheckTopics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	topics, err := s.admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("ask %s for topics: %w", strings.Join(s.config.Brokers, ", "), s.config.Security.withHint(err))
	}
	expressions := make([]string, len(s.config.Topics))
	for i, expression := range s.config.Topics {
		for name := range topics {
			if expression.MatchString(name) {
				return nil
			}
		}
		expressions[i] = expression.String()
	}
	return fmt.Errorf("%w %s", ErrNoTopic, strings.Join(expressions, ", "))
}

// Ends returns the ends of all partitions of some topics, or of all that match if lanes
// is nil: their last stable offsets, which are the ends for a reader of committed records.
// Some of the partitions may be too new to be read yet, or another member of the group
// may read them. If the end of an assigned partition is missing, because its topic is being
// deleted or it has no leader, the result has the ends of all other topics, with an error.
func (s *Source) Ends(ctx context.Context, lanes []change.Lane) (map[change.Partition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	s.mu.Lock()
	parts := slices.Collect(maps.Keys(s.owned))
	s.mu.Unlock()
	ends := make(map[change.Partition]int64, len(parts))
	if len(parts) == 0 {
		return ends, nil
	}
	var topics []string
	if lanes == nil {
		known, err := s.admin.ListTopics(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the ends of topics: %w", err)
		}
		topics = slices.DeleteFunc(known.Names(), func(name string) bool { return !s.matchesTopic(name) })
	} else {
		for _, lane := range lanes {
			topics = append(topics, string(lane))
		}
		parts = slices.DeleteFunc(parts, func(part change.Partition) bool { return !slices.Contains(topics, part.Topic) })
	}
	listed, err := s.admin.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read the ends of topics: %w", err)
	}
	for topic, numbers := range listed {
		for number, offset := range numbers {
			if offset.Err == nil {
				ends[change.Partition{Topic: topic, Number: number}] = offset.Offset
			}
		}
	}
	unknown := make(map[string]bool)
	for _, part := range parts {
		if _, ok := ends[part]; !ok {
			unknown[part.Topic] = true
			err = fmt.Errorf("read the end of %s: the broker did not say", part)
		}
	}
	maps.DeleteFunc(ends, func(part change.Partition, _ int64) bool { return unknown[part.Topic] })
	return ends, err
}

// matchesTopic reports whether a topic is one of the source's.
func (s *Source) matchesTopic(topic string) bool {
	return slices.ContainsFunc(s.config.Topics, func(e *regexp.Regexp) bool { return e.MatchString(topic) })
}

// Pause pauses the given partitions and resumes all others: it replaces the partitions
// of the previous call. Records of a paused partition that were fetched and not
// delivered are fetched again later.
func (s *Source) Pause(parts []change.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := make(map[change.Partition]bool, len(parts))
	pause, resume := make(map[string][]int32), make(map[string][]int32)
	for _, part := range parts {
		wanted[part] = true
		if !s.paused[part] {
			pause[part.Topic] = append(pause[part.Topic], part.Number)
		}
	}
	for part := range s.paused {
		if !wanted[part] {
			resume[part.Topic] = append(resume[part.Topic], part.Number)
		}
	}
	s.paused = wanted
	if len(pause) > 0 {
		s.client.PauseFetchPartitions(pause)
	}
	if len(resume) > 0 {
		s.client.ResumeFetchPartitions(resume)
	}
}
