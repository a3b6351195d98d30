package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/oracle"
)

var names = []string{"one", "two", "three"}

// source is a database with a few tables that change at random, and the oracle of these
// changes.
type source struct {
	random *rand.Rand
	round  int
	// connector is the number of the connector, which is part of the names of its topics.
	connector int
	tables    []*table
	oracle    *oracle.Oracle
	lsn       uint64
	// commit is the lsn after the last commit. In every other round the connector does not send
	// it, and times have no microseconds.
	commit uint64
	// now is the time of the last change. It is before the database's time, so that a
	// resynchronization ends only rows that exist already.
	now time.Time
	// sent are the latest records, which a connector sends again after a crash.
	sent []*kgo.Record
	// hostile is the number of records that no table can have.
	hostile int
}

// table is a table of the source.
type table struct {
	name    string
	form    int
	encoder *eventgen.Encoder
	rows    map[int64]row
	decoder *connectjson.Decoder
	// altered is true if a column was added or dropped since the last snapshot: the target gets
	// the values of such a column only when rows change.
	altered bool
	// confirms is true while written records confirm rows.
	confirms bool
}

// row has the values of a row except for its key, by the names of the columns.
type row map[string]any

func newSource(random *rand.Rand) *source {
	s := &source{random: random, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), connector: 1}
	s.next()
	return s
}

// next begins a round, with new tables in the same topics.
func (s *source) next() {
	s.round++
	s.oracle, s.tables, s.sent = oracle.New(), nil, nil
	s.commits()
	for _, name := range names {
		t := &table{name: name, rows: make(map[int64]row), decoder: connectjson.NewDecoder(connectjson.Config{})}
		s.tables = append(s.tables, t)
		s.alter(t, s.random.IntN(len(forms)))
	}
}

func (s *source) schema() string { return fmt.Sprintf("round_%d", s.round) }

func (s *source) prefix() string { return fmt.Sprintf("torture_%d", s.connector) }

// target returns the target table of a table of the source.
func (s *source) target(t *table) change.Table {
	return change.Table{Schema: s.schema(), Name: t.name}
}

// topic returns the topic of a table's changes.
func (s *source) topic(t *table) string { return s.prefix() + "." + t.name }

func (s *source) topics() []string {
	var topics []string
	for _, t := range s.tables {
		topics = append(topics, s.topic(t))
	}
	return topics
}

// group returns the consumer group that reads the connector's topics.
func (s *source) group() string { return s.prefix() + "_group" }

// changes returns the records of n random changes.
func (s *source) changes(n int) []*kgo.Record {
	var records []*kgo.Record
	for range n {
		t := s.tables[s.random.IntN(len(s.tables))]
		for _, c := range s.change(t) {
			records = append(records, s.read(t, c)...)
		}
	}
	s.sent = append(s.sent, records...)
	s.sent = s.sent[max(0, len(s.sent)-300):]
	return records
}

// lose makes n changes without records. A connector that has lost its position does not send
// older records again.
func (s *source) lose(n int) {
	s.sent = nil
	for range n {
		s.change(s.tables[s.random.IntN(len(s.tables))])
	}
}

// again returns the latest records to be sent again under new offsets: all from the first lost
// one on, and perhaps some before it.
func (s *source) again(lost map[*kgo.Record]bool) []*kgo.Record {
	if len(s.sent) == 0 {
		return nil
	}
	from := s.random.IntN(len(s.sent))
	if first := slices.IndexFunc(s.sent, func(r *kgo.Record) bool { return lost[r] }); first >= 0 {
		from = min(from, first)
	}
	for i, sent := range s.sent[from:] {
		s.sent[from+i] = &kgo.Record{Topic: sent.Topic, Key: sent.Key, Value: sent.Value, Headers: sent.Headers}
	}
	return s.sent[from:]
}

// bad returns hostile records.
func (s *source) bad() []*kgo.Record {
	hostile := []string{
		"{", "[]", `{"schema":{}}`, `{"payload":{"op":"c"}}`, "\xff\xfe", `{"schema":{"type":"struct"},"payload":{"after":{}}}`,
	}
	var records []*kgo.Record
	for range 1 + s.random.IntN(20) {
		value := hostile[s.random.IntN(len(hostile))]
		topic := s.topic(s.tables[s.random.IntN(len(s.tables))])
		records = append(records, &kgo.Record{Topic: topic, Key: []byte("{"), Value: []byte(value)})
		s.hostile++
	}
	return records
}
