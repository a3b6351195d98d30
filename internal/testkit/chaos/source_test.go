package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/oracle"
)

var names = []string{"one", "two", "three"}

// source is a database with a few tables, whose changes come in a random order,
// and what the oracle makes of them.
type source struct {
	random *rand.Rand
	round  int
	// connector is the number of the connector, with which its topics begin.
	connector int
	tables    []*table
	oracle    *oracle.Oracle
	lsn       uint64
	// commit is the lsn behind the last commit. In every other round the connector does not
	// say it, and times have no microseconds.
	commit uint64
	// now is when the last change happened. It is before the database's time, so
	// that a resynchronization ends what has happened, and nothing that is to come.
	now time.Time
	// sent are the latest records, which a connector that crashed sends again.
	sent []*kgo.Record
	// hostile counts records that no table can have.
	hostile int
}

// table is a table of the source.
type table struct {
	name    string
	form    int
	encoder *eventgen.Encoder
	rows    map[int64]row
	decoder *debezium.Decoder
	// altered says that a column was added or dropped since the last snapshot: what
	// rows have there is seen when they change.
	altered bool
	// confirms says that what is written confirms rows.
	confirms bool
}

// row has the values of a row but its key, by their columns' names.
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
		t := &table{name: name, rows: make(map[int64]row), decoder: debezium.NewDecoder(debezium.Config{})}
		s.tables = append(s.tables, t)
		s.alter(t, s.random.IntN(len(forms)))
	}
}

func (s *source) schema() string { return fmt.Sprintf("round_%d", s.round) }

func (s *source) prefix() string { return fmt.Sprintf("torture_%d", s.connector) }

// target is the table that a table of the source becomes.
func (s *source) target(t *table) change.Table {
	return change.Table{Schema: s.schema(), Name: t.name}
}

// topic is where a table's changes are written.
func (s *source) topic(t *table) string { return s.prefix() + "." + t.name }

func (s *source) topics() []string {
	var topics []string
	for _, t := range s.tables {
		topics = append(topics, s.topic(t))
	}
	return topics
}

// group is the consumer group that reads the connector's topics.
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

// lose lets n changes happen that nobody hears of. A connector that has lost its
// place sends nothing again that was before it.
func (s *source) lose(n int) {
	s.sent = nil
	for range n {
		s.change(s.tables[s.random.IntN(len(s.tables))])
	}
}

// again returns the latest records once more, to be sent under new offsets: all
// behind the first that was lost, and perhaps some before it.
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
