package torture

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/eventgen"
	"metadb/internal/oracle"
	"metadb/internal/rig"
)

var topics = []string{"torture.one", "torture.two", "torture.three"}

// source is a database with a few tables, whose changes come in a random order,
// and what the oracle makes of them.
type source struct {
	random *rand.Rand
	round  int
	tables []*table
	oracle *oracle.Oracle
	lsn    uint64
	now    time.Time
	// sent are the latest records, which a connector that crashed sends again.
	sent []*kgo.Record
	// hostile counts records that no table can have.
	hostile int
}

// table is a table of the source.
type table struct {
	topic   string
	form    int
	encoder *eventgen.Encoder
	rows    map[int64][]any
	decoder *debezium.Decoder
}

func newSource(random *rand.Rand) *source {
	s := &source{random: random, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.next()
	return s
}

// next begins a round, with new tables in the same topics.
func (s *source) next() {
	s.round++
	s.oracle, s.tables, s.sent = oracle.New(), nil, nil
	for _, topic := range topics {
		t := &table{topic: topic, rows: make(map[int64][]any), decoder: debezium.NewDecoder(debezium.Config{})}
		t.alter(s.schema(), 0)
		s.tables = append(s.tables, t)
	}
}

func (s *source) schema() string { return fmt.Sprintf("round_%d", s.round) }

// forms are what a table looks like, one after the other.
var forms = [][]eventgen.Column{
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.Integer}},
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.BigInt}},
	{{Name: "id", Kind: eventgen.BigInt}, {Name: "name", Kind: eventgen.Text}, {Name: "n", Kind: eventgen.BigInt}, {Name: "note", Kind: eventgen.Text}},
}

// alter changes the columns of a table.
func (t *table) alter(schema string, form int) {
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: "torture", Schema: schema, Name: t.topic[len("torture."):], Key: []int{0}, Columns: forms[form],
	})
	if err != nil {
		panic(err) // the forms are constants
	}
	t.form, t.encoder = form, encoder
}

// row returns a random row with a key.
func (s *source) row(t *table, id int64) []any {
	row := []any{id, fmt.Sprintf("name %d", s.random.IntN(4)), int64(s.random.IntN(3))}
	if t.form == 2 {
		row = append(row, any(fmt.Sprintf("note %d", s.random.IntN(2))))
	}
	if before := t.rows[id]; before != nil && s.random.IntN(5) == 0 {
		row[1] = eventgen.Unavailable{}
	}
	return row
}

// changes returns the records of n random changes.
func (s *source) changes(n int) []*kgo.Record {
	var records []*kgo.Record
	for range n {
		t := s.tables[s.random.IntN(len(s.tables))]
		for _, c := range s.change(t) {
			records = append(records, s.record(t, c))
		}
	}
	s.sent = append(s.sent, records...)
	s.sent = s.sent[max(0, len(s.sent)-300):]
	return records
}

// change draws what happens to a table next.
func (s *source) change(t *table) []eventgen.Change {
	// Times differ: of changes that share one, a change that alters nothing is
	// not recognized when it is sent again (docs/reliability.md).
	s.now = s.now.Add(time.Duration(1+s.random.IntN(5000)) * time.Millisecond)
	id := int64(s.random.IntN(40))
	_, exists := t.rows[id]
	switch kind := s.random.IntN(300); {
	case kind == 0 && t.form+1 < len(forms):
		t.alter(s.schema(), t.form+1)
	case kind == 1:
		clear(t.rows)
		s.now = s.now.Add(time.Second) // what shares a truncate's time has no order
		c := eventgen.Change{Op: 't', Time: s.now}
		s.now = s.now.Add(time.Second)
		return []eventgen.Change{c}
	case kind < 60 && exists:
		row := t.rows[id]
		delete(t.rows, id)
		return []eventgen.Change{{Op: 'd', Row: keyOnly(row), Time: s.now}}
	}
	op := byte('c')
	if exists {
		op = 'u'
	}
	row := s.row(t, id)
	t.rows[id] = row
	return []eventgen.Change{{Op: op, Row: row, Time: s.now}}
}

// keyOnly is a row before a delete, as a table without replica identity has it.
func keyOnly(row []any) []any {
	bare := make([]any, len(row))
	bare[0] = row[0]
	return bare
}

// record makes the record of a change, and lets the oracle read it.
func (s *source) record(t *table, c eventgen.Change) *kgo.Record {
	s.lsn += 8
	c.LSN, c.TxID = s.lsn, int64(s.lsn)
	if c.Op == 'd' {
		for len(c.Row) < len(forms[t.form]) {
			c.Row = append(c.Row, nil)
		}
	}
	encoded, err := t.encoder.Encode(c)
	if err != nil {
		panic(err) // rows are made to fit
	}
	encoded.Topic = t.topic
	record := rig.Kafka(&encoded)
	headers := make([]change.Header, 0, len(record.Headers))
	for _, h := range record.Headers {
		headers = append(headers, change.Header{Name: h.Key, Value: h.Value})
	}
	event := t.decoder.Decode(&debezium.Input{Topic: t.topic, Key: record.Key, Value: record.Value, Headers: headers})
	event.Table = event.Source
	s.oracle.Read(&event)
	return record
}

// again returns the latest records once more, under new offsets.
func (s *source) again() []*kgo.Record {
	if len(s.sent) == 0 {
		return nil
	}
	var records []*kgo.Record
	for _, sent := range s.sent[s.random.IntN(len(s.sent)):] {
		records = append(records, &kgo.Record{Topic: sent.Topic, Key: sent.Key, Value: sent.Value, Headers: sent.Headers, Timestamp: sent.Timestamp})
	}
	return records
}

// bad returns hostile records.
func (s *source) bad() []*kgo.Record {
	hostile := []string{
		"{", "[]", `{"schema":{}}`, `{"payload":{"op":"c"}}`, "\xff\xfe", `{"schema":{"type":"struct"},"payload":{"after":{}}}`,
	}
	var records []*kgo.Record
	for range 1 + s.random.IntN(20) {
		value := hostile[s.random.IntN(len(hostile))]
		records = append(records, &kgo.Record{Topic: topics[s.random.IntN(len(topics))], Key: []byte("{"), Value: []byte(value)})
		s.hostile++
	}
	return records
}
