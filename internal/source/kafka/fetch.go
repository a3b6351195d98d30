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
// when no record came within fetchTimeout and the broker answers. The error is the
// context's, or one of reading from the broker, or wraps ErrNoTopic; Fetch may be
// called again then.
func (s *Source) Fetch(ctx context.Context) (change.Delivery, error) {
	// The group does not rebalance while the client's records are decoded.
	// Otherwise a partition could be revoked and assigned again in between,
	// and its records would be taken for those after the new start.
	delivery, lost, err := s.pollRecords(ctx)
	s.client.AllowRebalance()
	if ctx.Err() != nil {
		return delivery, ctx.Err()
	}
	if len(lost) > 0 {
		s.rereadTopics(lost)
		return s.withAssignments(delivery), nil
	}
	delivery.Stopped = s.stoppedError()
	if hasContent(delivery) {
		return delivery, nil
	}
	if err == nil {
		err = s.lastAssignErr()
	}
	if err == nil {
		err = s.CheckTopics(ctx)
	}
	return delivery, err
}

// lastAssignErr returns the error of the last assignment of partitions, nil if it succeeded.
func (s *Source) lastAssignErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.assignErr
}

func hasContent(d change.Delivery) bool {
	return len(d.Events) > 0 || len(d.Assigned) > 0 || len(d.Revoked) > 0
}

// pollRecords polls the client for records once, for fetchTimeout at most. lost are topics
// that can't be read from the present offsets. The error is the client's; partitions
// that can't be read are added to the stopped ones.
func (s *Source) pollRecords(ctx context.Context) (delivery change.Delivery, lost []string, err error) {
	polling, cancel := context.WithTimeout(ctx, cmp.Or(s.config.fetchTimeout, fetchTimeout))
	defer cancel()
	fetches := s.client.PollRecords(polling, maxPollRecords)
	delivery = s.withAssignments(delivery)
	if n := fetches.NumRecords(); n > 0 {
		delivery.Events = make([]change.Event, 0, n)
	}
	began := time.Now()
	fetches.EachPartition(func(of kgo.FetchTopicPartition) {
		for _, record := range of.Records {
			delivery.Events = append(delivery.Events, change.Event{})
			s.decodeRecord(record, &delivery.Events[len(delivery.Events)-1])
		}
		if n := len(of.Records); n > 0 {
			s.noteRead(change.Partition{Topic: of.Topic, Number: of.Partition}, of.Records[n-1].Offset+1)
		}
	})
	s.stopped.dropExpired(time.Now())
	if s.client.BufferedFetchRecords() == 0 {
		s.unpacker.resetUsed()
	}
	if s.config.OnDecoded != nil && len(delivery.Events) > 0 {
		s.config.OnDecoded(time.Since(began))
	}
	fetches.EachError(func(topic string, partition int32, failed error) {
		part := change.Partition{Topic: topic, Number: partition}
		var refused *kgo.ErrDecompressTooLarge
		switch {
		case errors.Is(failed, context.DeadlineExceeded), errors.Is(failed, context.Canceled), errors.Is(failed, errUnpackLimit):
		case topic == "":
			err = errors.Join(err, s.config.Security.withHint(failed))
		case isUnreadable(failed):
			s.config.Logger.Debug("kafka: read again", "topic", topic, "partition", partition, "error", failed)
			lost = append(lost, topic)
		case errors.As(failed, &refused):
			delivery.Events = append(delivery.Events, s.skipRefused(part, refused)...)
		default:
			s.stopped.addFailure(part, s.partitionError(ctx, part, failed), false)
		}
	})
	return delivery, lost, err
}

// stoppedError returns the errors of assigned partitions that can't be read, nil if all
// can.
func (s *Source) stoppedError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.stopped, func(part change.Partition, _ stoppedPartition) bool { return !s.owned[part] })
	return s.stopped.joinErrors()
}

// noteRead notes that a partition has been read up to an offset.
func (s *Source) noteRead(part change.Partition, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owned[part] {
		s.nextOffsets[part] = next
	}
	delete(s.stopped, part)
}

// skipRefused handles a batch that the unpacker has refused. A batch that is too large is
// rejected and reading continues behind it; a batch that can't be uncompressed stops the
// partition until an administrator skips it. It is called while the group can't rebalance.
func (s *Source) skipRefused(part change.Partition, refused *kgo.ErrDecompressTooLarge) []change.Event {
	s.mu.Lock()
	from := max(refused.Offset, s.nextOffsets[part])
	s.mu.Unlock()
	failure := s.unpacker.failureOf(part)
	if !errors.Is(failure.err, kgo.ErrMaxDecompress) {
		s.stopped.addFailure(part, &UnreadableError{
			Partition: part, Offset: from, Next: refused.NextOffset, EndKnown: true, source: s.config.Name, err: failure.err,
		}, true)
		return nil
	}
	s.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{part.Topic: {part.Number: {Epoch: -1, Offset: refused.NextOffset}}})
	s.noteRead(part, refused.NextOffset)
	return oversizedEvents(part, from, refused.NextOffset, failure.sent, s.config.MaxRecordBytes)
}

// partitionError returns the error of a partition that can't be read: an answer of the
// broker, or damaged records.
func (s *Source) partitionError(ctx context.Context, part change.Partition, failed error) error {
	var answer *kerr.Error
	if errors.As(failed, &answer) {
		return fmt.Errorf("read %s: %w", part, s.config.Security.withHint(failed))
	}
	s.mu.Lock()
	offset := s.nextOffsets[part]
	s.mu.Unlock()
	found := &UnreadableError{Partition: part, Offset: offset, Next: offset + 1, source: s.config.Name, err: failed}
	if known, ok := errors.AsType[*UnreadableError](s.stopped[part].err); ok && known.Offset == offset && known.EndKnown {
		found.Next, found.EndKnown = known.Next, true
		return found
	}
	next, err := s.queryBatchEnd(ctx, part, offset)
	if err != nil {
		s.config.Logger.Debug("kafka: ask where a damaged batch ends", "topic", part.Topic, "partition", part.Number, "error", err)
	}
	if next > offset {
		found.Next, found.EndKnown = next, true
	}
	return found
}

// isUnreadable reports whether a topic can't be read from the present offset: the records
// there were removed, or the topic was deleted and created again.
func isUnreadable(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.Is(err, kerr.OffsetOutOfRange) || errors.Is(err, kerr.UnknownTopicID) ||
		errors.Is(err, kerr.InconsistentTopicID) || errors.As(err, &loss)
}

// rereadTopics removes topics from the client. They match the source's expressions, so
// that the client finds and assigns them again, from offsets that are determined anew.
func (s *Source) rereadTopics(topics []string) {
	s.mu.Lock()
	for part := range s.owned {
		if slices.Contains(topics, part.Topic) {
			s.dropPartition(part)
		}
	}
	s.mu.Unlock()
	s.client.PurgeTopicsFromConsuming(topics...)
}

// withAssignments adds to a delivery the partitions that were assigned or revoked since the last
// one.
func (s *Source) withAssignments(delivery change.Delivery) change.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	delivery.Assigned = append(delivery.Assigned, s.assigned...)
	delivery.Revoked = append(delivery.Revoked, s.revoked...)
	s.assigned, s.revoked = nil, nil
	return delivery
}
