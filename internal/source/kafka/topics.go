package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"metadb/internal/change"
)

// ErrNoTopic says that no topic matches the source's expressions yet.
var ErrNoTopic = errors.New("no topic matches")

// Matches reports whether any topic of the broker matches. The error wraps
// ErrNoTopic if none does, and is another one if the broker does not answer
// within a few seconds.
func (s *Source) Matches(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	topics, err := s.admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("ask %s for topics: %w", strings.Join(s.config.Brokers, ", "), s.config.Security.explain(err))
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

// Ends returns the ends of all partitions of some topics, or of all that match if
// they are nil: their last stable offsets, which is what a reader of committed records
// can come to. Some of them may be too new to be read yet, or be read by another member
// of the group. Where the broker does not say where a partition ends that is read, as its
// topic is being deleted or it has no leader, the error says so, and the ends of all other topics
// are returned with it.
func (s *Source) Ends(ctx context.Context, topics []string) (map[change.Partition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	s.mu.Lock()
	parts := slices.Collect(maps.Keys(s.reading))
	s.mu.Unlock()
	ends := make(map[change.Partition]int64, len(parts))
	if len(parts) == 0 {
		return ends, nil
	}
	if topics == nil {
		known, err := s.admin.ListTopics(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the ends of topics: %w", err)
		}
		topics = slices.DeleteFunc(known.Names(), func(name string) bool { return !s.matches(name) })
	} else {
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

// matches reports whether a topic is one of the source's.
func (s *Source) matches(topic string) bool {
	return slices.ContainsFunc(s.config.Topics, func(e *regexp.Regexp) bool { return e.MatchString(topic) })
}

// Pause lets the given partitions wait, and all others go on: it replaces what
// an earlier call said. What has been fetched of a paused partition and not
// been delivered is fetched again later.
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
