package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// Fetch waits for records and returns their events, at most maxPollRecords. It
// returns a delivery without events when partitions were assigned or revoked, or
// when no record came within fetchPatience and the broker answers. The error is the
// context's, or one of reading from the broker, or wraps ErrNoTopic; Fetch may be
// called again then.
func (s *Source) Fetch(ctx context.Context) (change.Delivery, error) {
	// The group does not rebalance while the client's records are decoded.
	// Otherwise a partition could be revoked and assigned again in between,
	// and its records would be taken for those after the new start.
	delivery, lost, err := s.poll(ctx)
	s.client.AllowRebalance()
	if ctx.Err() != nil {
		return delivery, ctx.Err()
	}
	if len(lost) > 0 {
		s.readAgain(lost)
		return s.turn(delivery), nil
	}
	delivery.Stopped = s.stoppedHere()
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

// unknown returns the error of the last assignment of partitions, nil if it succeeded.
func (s *Source) unknown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stuck
}

func delivered(d change.Delivery) bool {
	return len(d.Events) > 0 || len(d.Begun) > 0 || len(d.Ended) > 0
}

// poll polls the client for records once, for fetchPatience at most. lost are topics
// that can't be read from the present offsets. The error is the client's; partitions
// that can't be read are added to the stopped ones.
func (s *Source) poll(ctx context.Context) (delivery change.Delivery, lost []string, err error) {
	polling, cancel := context.WithTimeout(ctx, cmp.Or(s.config.patience, fetchPatience))
	defer cancel()
	fetches := s.client.PollRecords(polling, maxPollRecords)
	delivery = s.turn(delivery)
	if n := fetches.NumRecords(); n > 0 {
		delivery.Events = make([]change.Event, 0, n)
	}
	began := time.Now()
	fetches.EachPartition(func(of kgo.FetchTopicPartition) {
		for _, record := range of.Records {
			delivery.Events = append(delivery.Events, s.decode(record))
		}
		if n := len(of.Records); n > 0 {
			s.read(change.Partition{Topic: of.Topic, Number: of.Partition}, of.Records[n-1].Offset+1)
		}
	})
	s.stopped.expire(time.Now())
	if s.client.BufferedFetchRecords() == 0 {
		s.unpacker.release()
	}
	if s.config.Decoded != nil && len(delivery.Events) > 0 {
		s.config.Decoded(time.Since(began))
	}
	fetches.EachError(func(topic string, partition int32, failed error) {
		part := change.Partition{Topic: topic, Number: partition}
		var refused *kgo.ErrDecompressTooLarge
		switch {
		case errors.Is(failed, context.DeadlineExceeded), errors.Is(failed, context.Canceled), errors.Is(failed, errCrowded):
		case topic == "":
			err = errors.Join(err, s.config.Security.explain(failed))
		case unreadable(failed):
			s.config.Logger.Debug("kafka: read again", "topic", topic, "partition", partition, "error", failed)
			lost = append(lost, topic)
		case errors.As(failed, &refused):
			delivery.Events = append(delivery.Events, s.passRefused(part, refused)...)
		default:
			s.stopped.add(part, s.explainPartition(ctx, part, failed), false)
		}
	})
	return delivery, lost, err
}

// stoppedHere returns the errors of assigned partitions that can't be read, nil if all
// can.
func (s *Source) stoppedHere() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.stopped, func(part change.Partition, _ stoppedPartition) bool { return !s.reading[part] })
	return s.stopped.err()
}

// read notes that a partition has been read up to an offset.
func (s *Source) read(part change.Partition, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading[part] {
		s.next[part] = next
	}
	delete(s.stopped, part)
}

// passRefused handles a batch that the unpacker has refused. A batch that is too large is
// rejected and reading continues behind it; a batch that can't be uncompressed stops the
// partition until an administrator skips it. It is called while the group can't rebalance.
func (s *Source) passRefused(part change.Partition, refused *kgo.ErrDecompressTooLarge) []change.Event {
	s.mu.Lock()
	from := max(refused.Offset, s.next[part])
	s.mu.Unlock()
	failure := s.unpacker.failure(part)
	if !errors.Is(failure.err, kgo.ErrMaxDecompress) {
		s.stopped.add(part, &UnreadableError{
			Partition: part, Offset: from, Next: refused.NextOffset, EndKnown: true, source: s.config.Name, err: failure.err,
		}, true)
		return nil
	}
	s.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{part.Topic: {part.Number: {Epoch: -1, Offset: refused.NextOffset}}})
	s.read(part, refused.NextOffset)
	return oversized(part, from, refused.NextOffset, failure.sent, s.config.MaxRecordBytes)
}

// explainPartition returns the error of a partition that can't be read: an answer of the
// broker, or damaged records.
func (s *Source) explainPartition(ctx context.Context, part change.Partition, failed error) error {
	var answer *kerr.Error
	if errors.As(failed, &answer) {
		return fmt.Errorf("read %s: %w", part, s.config.Security.explain(failed))
	}
	s.mu.Lock()
	offset := s.next[part]
	s.mu.Unlock()
	found := &UnreadableError{Partition: part, Offset: offset, Next: offset + 1, source: s.config.Name, err: failed}
	if known, ok := errors.AsType[*UnreadableError](s.stopped[part].err); ok && known.Offset == offset && known.EndKnown {
		found.Next, found.EndKnown = known.Next, true
		return found
	}
	next, err := s.askBatchEnd(ctx, part, offset)
	if err != nil {
		s.config.Logger.Debug("kafka: ask where a damaged batch ends", "topic", part.Topic, "partition", part.Number, "error", err)
	}
	if next > offset {
		found.Next, found.EndKnown = next, true
	}
	return found
}

// unreadable reports whether a topic can't be read from the present offset: the records
// there were removed, or the topic was deleted and created again.
func unreadable(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.Is(err, kerr.OffsetOutOfRange) || errors.Is(err, kerr.UnknownTopicID) ||
		errors.Is(err, kerr.InconsistentTopicID) || errors.As(err, &loss)
}

// readAgain removes topics from the client. They match the source's expressions, so
// that the client finds and assigns them again, from offsets that are determined anew.
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

// turn adds to a delivery the partitions that were assigned or revoked since the last
// one.
func (s *Source) turn(delivery change.Delivery) change.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	delivery.Begun = append(delivery.Begun, s.begun...)
	delivery.Ended = append(delivery.Ended, s.ended...)
	s.begun, s.ended = nil, nil
	return delivery
}
