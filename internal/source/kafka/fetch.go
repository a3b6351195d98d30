package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// Fetch waits for records and returns their events. A delivery without events
// says that partitions were given or taken. The error is the context's, or says
// why the broker can't be read; it may be called again then.
func (s *Source) Fetch(ctx context.Context) (change.Delivery, error) {
	fetches := s.client.PollRecords(ctx, maxPollRecords)
	if fetches.IsClientClosed() {
		return change.Delivery{}, kgo.ErrClientClosed
	}
	var failed error
	fetches.EachError(func(topic string, partition int32, err error) {
		var loss *kgo.ErrDataLoss
		switch {
		case errors.As(err, &loss):
			s.config.Logger.Warn("Kafka has lost records", "topic", topic, "partition", partition, "error", err)
		case topic == "":
			failed = errors.Join(failed, err)
		default:
			failed = errors.Join(failed, fmt.Errorf("read %s/%d: %w", topic, partition, err))
		}
	})
	delivery := s.turn()
	if n := fetches.NumRecords(); n > 0 {
		delivery.Events = make([]change.Event, 0, n)
	}
	fetches.EachPartition(func(of kgo.FetchTopicPartition) {
		for _, record := range of.Records {
			delivery.Events = append(delivery.Events, s.decode(record))
		}
	})
	delivery.Gaps = s.gaps(ctx, s.advance(delivery.Events))
	if failed != nil && len(delivery.Events) == 0 && len(delivery.Begun) == 0 && len(delivery.Ended) == 0 {
		return delivery, failed
	}
	return delivery, nil
}

// turn returns a delivery with the partitions that were given or taken since
// the last one.
func (s *Source) turn() change.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	delivery := change.Delivery{Begun: s.begun, Ended: s.ended}
	s.begun, s.ended = nil, nil
	return delivery
}

// decode returns the record's event. A bug in a converter costs one record, not
// the stream.
func (s *Source) decode(record *kgo.Record) (event change.Event) {
	input := &debezium.Input{
		Topic: record.Topic, Partition: record.Partition, Offset: record.Offset,
		Time: change.Micros(record.Timestamp.UnixMicro()), Key: record.Key, Value: record.Value,
	}
	if record.Attrs.IsControl() {
		return change.Event{Position: change.Position{
			Partition: change.Partition{Topic: record.Topic, Number: record.Partition}, Offset: record.Offset,
		}}
	}
	for _, h := range record.Headers {
		input.Headers = append(input.Headers, change.Header{Name: h.Key, Value: h.Value})
	}
	defer func() {
		if bug := recover(); bug != nil {
			s.config.Logger.Error(fmt.Sprintf("%s/%d@%d: decoding failed: %v\n%s", record.Topic, record.Partition, record.Offset, bug, debug.Stack()))
			event = rejected(input, fmt.Sprintf("decoding failed: %v", bug))
		}
	}()
	return s.decoder.Decode(input)
}

// rejected returns the event of a record that could not even be decoded.
func rejected(input *debezium.Input, reason string) change.Event {
	return change.Event{
		Op: change.Reject, Reason: reason,
		Position: change.Position{Partition: change.Partition{Topic: input.Topic, Number: input.Partition}, Offset: input.Offset},
		Record:   change.Record{Key: input.Key, Tail: input.Value, Headers: input.Headers, Time: input.Time},
	}
}

// logger passes on what the client says, one level lower than it says it: what
// it warns of it mends by itself, and what it can't mend is an error of Fetch.
type logger struct{ to *slog.Logger }

func (l logger) Level() kgo.LogLevel {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelNone
}

func (l logger) Log(_ kgo.LogLevel, message string, pairs ...any) {
	l.to.Debug("kafka: "+message, pairs...)
}
