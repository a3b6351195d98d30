package kafka

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// decodeRecord sets event, which has no field set, to the record's event. A panic in a
// converter rejects the record and does not stop the stream.
func (s *Source) decodeRecord(record *kgo.Record, event *change.Event) {
	position := change.Position{
		Partition: change.Partition{Topic: record.Topic, Number: record.Partition},
		Offset:    record.Offset,
	}
	if record.Attrs.IsControl() {
		event.Position = position
		return
	}
	if size := len(record.Key) + len(record.Value); size > s.config.MaxRecordBytes {
		*event = s.rejectTooLarge(record, position, size)
		return
	}
	input := &debezium.Input{
		Topic: record.Topic, Partition: record.Partition, Offset: record.Offset,
		Time: change.Micros(record.Timestamp.UnixMicro()), Key: record.Key, Value: record.Value,
	}
	if len(record.Headers) > 0 {
		input.Headers = make([]change.Header, len(record.Headers))
		for i, h := range record.Headers {
			input.Headers[i] = change.Header{Name: h.Key, Value: h.Value}
		}
	}
	defer func() {
		if bug := recover(); bug != nil {
			s.config.Logger.Error(fmt.Sprintf("%s: decoding failed: %v\n%s", position, bug, debug.Stack()))
			*event = change.Event{
				Op: change.Reject, Reason: fmt.Sprintf("decoding failed: %v", bug),
				Position: position, Record: cloneRecord(input),
			}
		}
	}()
	s.decoder.DecodeInto(input, event)
}

// maxKeptKeyBytes bounds the key that is kept of a record that is too large.
const maxKeptKeyBytes = 1 << 20

// rejectTooLarge returns the event of a record that would take too much memory: it is rejected
// without its value.
func (s *Source) rejectTooLarge(record *kgo.Record, position change.Position, size int) change.Event {
	kept := change.Record{Time: change.Micros(record.Timestamp.UnixMicro())}
	if len(record.Key) <= maxKeptKeyBytes {
		kept.Key = bytes.Clone(record.Key)
	}
	return change.Event{
		Op: change.Reject, Position: position, Record: kept,
		Reason: fmt.Sprintf("the record has %d bytes, the limit is %d MB: set aside without its value", size, s.config.MaxRecordBytes>>20),
	}
}

// cloneRecord returns a copy of a record as it was received, in memory of its own: the
// client's buffers are large.
func cloneRecord(input *debezium.Input) change.Record {
	record := change.Record{Key: bytes.Clone(input.Key), Tail: bytes.Clone(input.Value), Time: input.Time}
	for _, h := range input.Headers {
		record.Headers = append(record.Headers, change.Header{Name: h.Name, Value: bytes.Clone(h.Value)})
	}
	return record
}
