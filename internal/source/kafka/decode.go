package kafka

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// decode returns the record's event. A bug in a converter costs one record, not
// the stream.
func (s *Source) decode(record *kgo.Record) (event change.Event) {
	position := change.Position{
		Partition: change.Partition{Topic: record.Topic, Number: record.Partition},
		Offset:    record.Offset,
	}
	if record.Attrs.IsControl() {
		return change.Event{Position: position}
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
			event = change.Event{
				Op: change.Reject, Reason: fmt.Sprintf("decoding failed: %v", bug),
				Position: position, Record: kept(input),
			}
		}
	}()
	return s.decoder.Decode(input)
}

// kept returns a copy of a record as it was received, in memory of its own: the
// client's buffers are large.
func kept(input *debezium.Input) change.Record {
	record := change.Record{Key: bytes.Clone(input.Key), Tail: bytes.Clone(input.Value), Time: input.Time}
	for _, h := range input.Headers {
		record.Headers = append(record.Headers, change.Header{Name: h.Name, Value: bytes.Clone(h.Value)})
	}
	return record
}
