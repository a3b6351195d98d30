package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// Fetch waits for records and returns their events, a few thousand at most. It
// returns a delivery without events where partitions were given or taken, or
// where none came for a few seconds and the broker is well. The error is the
// context's, or says why the broker can't be read, or wraps ErrNoTopic; Fetch
// may be called again then.
func (s *Source) Fetch(ctx context.Context) (change.Delivery, error) {
	// While records are in our hands the group does not rebalance, which
	// takes as long as decoding them. Otherwise a partition could be taken
	// and given again in between, and these records would pass for those
	// after the new beginning.
	delivery, lost, err := s.poll(ctx)
	s.client.AllowRebalance()
	if ctx.Err() != nil {
		return delivery, ctx.Err()
	}
	if len(lost) > 0 {
		s.readAgain(lost)
		return s.turn(delivery), nil
	}
	if delivered(delivery) {
		return delivery, nil
	}
	if err == nil {
		err = s.unknown()
	}
	if err == nil {
		err = s.Matches(ctx)
	}
	return delivery, err
}

// unknown returns why it is not known from where to read.
func (s *Source) unknown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stuck
}

func delivered(d change.Delivery) bool {
	return len(d.Events) > 0 || len(d.Begun) > 0 || len(d.Ended) > 0
}

// poll asks the client for records once, for fetchPatience at most. Lost are
// topics that can't be read on from where we are.
func (s *Source) poll(ctx context.Context) (delivery change.Delivery, lost []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.config.patience, fetchPatience))
	defer cancel()
	fetches := s.client.PollRecords(ctx, maxPollRecords)
	delivery = s.turn(delivery)
	if n := fetches.NumRecords(); n > 0 {
		delivery.Events = make([]change.Event, 0, n)
	}
	began := time.Now()
	fetches.EachPartition(func(of kgo.FetchTopicPartition) {
		for _, record := range of.Records {
			delivery.Events = append(delivery.Events, s.decode(record))
		}
	})
	if s.config.Decoded != nil && len(delivery.Events) > 0 {
		s.config.Decoded(time.Since(began))
	}
	fetches.EachError(func(topic string, partition int32, failed error) {
		switch {
		case errors.Is(failed, context.DeadlineExceeded), errors.Is(failed, context.Canceled):
		case topic == "":
			err = errors.Join(err, s.config.Security.explain(failed))
		case unreadable(failed):
			s.config.Logger.Debug("kafka: read again", "topic", topic, "partition", partition, "error", failed)
			lost = append(lost, topic)
		default:
			err = errors.Join(err, fmt.Errorf("read %s/%d: %w", topic, partition, s.config.Security.explain(failed)))
		}
	})
	return delivery, lost, err
}

// unreadable reports whether a topic can't be read on from where we are: its
// records were removed, or it was deleted and created again.
func unreadable(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.Is(err, kerr.OffsetOutOfRange) || errors.Is(err, kerr.UnknownTopicID) ||
		errors.Is(err, kerr.InconsistentTopicID) || errors.As(err, &loss)
}

// readAgain forgets topics. They match, so they are found again, and begin
// says from where they are read then and what is missing.
func (s *Source) readAgain(topics []string) {
	s.mu.Lock()
	for part := range s.reading {
		if slices.Contains(topics, part.Topic) {
			s.drop(part)
		}
	}
	s.mu.Unlock()
	s.client.PurgeTopicsFromConsuming(topics...)
}

// turn adds to a delivery which partitions were given or taken since the last
// one.
func (s *Source) turn(delivery change.Delivery) change.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	delivery.Begun = append(delivery.Begun, s.begun...)
	delivery.Ended = append(delivery.Ended, s.ended...)
	s.begun, s.ended = nil, nil
	return delivery
}
