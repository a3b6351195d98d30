package chaos

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// read returns the records of a change, and applies the change to the oracle.
func (s *source) read(t *table, c eventgen.Change) []*kgo.Record {
	c.TxID = int64(s.commit)
	if s.sequenced() && c.LSN > 0 {
		c.Commit = s.commit
	}
	encoded, err := t.encoder.Encode(c)
	if err != nil {
		panic(err) // rows fit their tables
	}
	encoded.Topic = s.topic(t) // the same topic in each round
	records := []*kgo.Record{testbed.ToKafkaRecord(&encoded)}
	if c.Op == 'd' {
		tombstone, err := t.encoder.Tombstone(c)
		if err != nil {
			panic(err)
		}
		tombstone.Topic = encoded.Topic
		records = append(records, testbed.ToKafkaRecord(&tombstone))
	}
	headers := make([]change.Header, 0, len(encoded.Headers))
	for _, h := range encoded.Headers {
		headers = append(headers, change.Header{Name: h.Name, Value: h.Value})
	}
	event := t.decoder.Decode(&debezium.Input{Topic: encoded.Topic, Key: encoded.Key, Value: encoded.Value, Headers: headers})
	event.Table, event.Confirm = event.Source, t.confirms
	s.oracle.Apply(&event)
	return records
}
