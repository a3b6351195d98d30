package doctest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// feed writes a snapshot of library.patron to the topics of a prefix: patrons 1 to n, the last
// one with the mark "last".
func (s *session) feed(prefix string, n int) {
	s.t.Helper()
	s.write(prefix, 1, n, func(id int) string {
		if id == n {
			return "last"
		}
		return "true"
	})
}

// write writes the patrons first to last as records of a snapshot with these marks.
func (s *session) write(prefix string, first, last int, mark func(id int) string) {
	s.t.Helper()
	var rows []eventgen.Change
	for id := first; id <= last; id++ {
		rows = append(rows, eventgen.Change{
			Op: 'r', Row: []any{int64(id), fmt.Sprintf("Patron %d", id)}, Time: time.Now(), LSN: 1, Snapshot: mark(id),
		})
	}
	s.produce(eventgen.Table{
		Prefix: prefix, Schema: "library", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
	}, rows...)
}

// produce writes changes of a table to its topic.
func (s *session) produce(table eventgen.Table, changes ...eventgen.Change) {
	s.t.Helper()
	encoder, err := eventgen.NewEncoder(table)
	if err != nil {
		s.t.Fatal(err)
	}
	producer, err := testbed.NewProducer(s.broker.Address())
	if err != nil {
		s.t.Fatal(err)
	}
	defer producer.Close()
	for _, c := range changes {
		record, err := encoder.Encode(c)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := producer.Write(s.t.Context(), record); err != nil {
			s.t.Fatal(err)
		}
	}
}

// installed returns a session after docs/install.md, in which the source of
// docs/data-sources.md streams five patrons.
func installed(t *testing.T) *session {
	t.Helper()
	s := newSession(t)
	s.run("docs/install.md", readBlocks(t, "docs/install.md")...)
	s.feed("metadb_sensor_1", 5)
	for _, block := range readBlocks(t, "docs/data-sources.md") {
		if block.Kind == Admin {
			s.run("docs/data-sources.md", block)
			break
		}
	}
	s.count("SELECT count(*) FROM library.patron", 5)
	return s
}

func TestDataSources(t *testing.T) {
	s := newSession(t)
	s.run("docs/install.md", readBlocks(t, "docs/install.md")...)
	s.feed("metadb_sensor_1", 5)
	s.run("docs/data-sources.md", readBlocks(t, "docs/data-sources.md")...)
}

// TestRejected begins with one rejected event, which the page purges.
func TestRejected(t *testing.T) {
	s := installed(t)
	producer, err := testbed.NewProducer(s.broker.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.Write(t.Context(), eventgen.Record{
		Topic: "metadb_sensor_1.library.patron", Key: []byte(`{"id":1}`), Value: []byte("hello"), Time: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	s.count("SELECT count(*) FROM metadb.rejected_event", 1)
	s.run("docs/rejected.md", readBlocks(t, "docs/rejected.md")...)
	s.count("SELECT count(*) FROM metadb.rejected_event", 0)
}

// TestJSON writes an item before it is mapped, and changes it afterwards.
func TestJSON(t *testing.T) {
	s := installed(t)
	write := s.inventory()
	write('c', `{"title": "A semantic web primer", "copies": 2, "createdDate": "2024-01-01T10:00:00.000+00:00", "metadata": {"createdByUserId": "u1"}, `+
		`"tags": {"tagList": ["urgent", "important"]}, "identifiers": [{"value": "9780262012102", "typeId": "isbn"}, {"value": "0262012103", "typeId": "isbn"}]}`)
	s.count("SELECT count(*) FROM library.inventory", 1)
	blocks := readBlocks(t, "docs/json.md")
	s.run("docs/json.md", blocks[:len(blocks)-2]...)
	s.count("SELECT count(*) FROM library.inventory__t WHERE copies = 2 AND created_date = '2024-01-01 10:00Z' AND metadata__created_by_user_id = 'u1'", 1)
	s.count("SELECT count(*) FROM library.inventory__taglist", 2)
	s.count("SELECT count(*) FROM library.inventory__identifiers WHERE type_id = 'isbn'", 2)
	write('u', `{"title": "A semantic web primer", "copies": 3, "createdDate": "2024-01-01T10:00:00.000+00:00", "metadata": {"createdByUserId": "u1"}, `+
		`"tags": {"tagList": ["urgent"]}, "identifiers": [{"value": "9780262012102", "typeId": "isbn"}, {"value": "0262012103", "typeId": "isbn"}]}`)
	s.count("SELECT count(*) FROM library.inventory__t__", 2)
	s.count("SELECT count(*) FROM library.inventory__taglist", 1)
	s.count("SELECT count(*) FROM library.inventory__identifiers__", 2)
	s.run("docs/json.md", blocks[len(blocks)-2:]...)
	s.count("SELECT count(*) FROM library.inventory__identifiers", 0)
	s.count("SELECT count(*) FROM library.inventory__t", 1)
}

// inventory returns a function that writes a change of the only item of library.inventory.
func (s *session) inventory() func(op byte, document string) {
	table := eventgen.Table{
		Prefix: "metadb_sensor_1", Schema: "library", Name: "inventory", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "jsondata", Kind: eventgen.JSON}},
	}
	lsn := uint64(100)
	return func(op byte, document string) {
		s.t.Helper()
		lsn++
		s.produce(table, eventgen.Change{Op: op, Row: []any{int64(1), document}, Time: time.Now(), LSN: lsn})
	}
}

func TestHistory(t *testing.T) {
	s := installed(t)
	s.run("docs/history.md", readBlocks(t, "docs/history.md")...)
}

// TestResync has four of five patrons in the new snapshot; the fifth ends.
func TestResync(t *testing.T) {
	s := installed(t)
	s.feed("metadb_sensor_2", 4)
	s.run("docs/resync.md", readBlocks(t, "docs/resync.md")...)
	s.count("SELECT count(*) FROM library.patron", 4)
	s.count("SELECT count(*) FROM library.patron__ WHERE NOT __current AND __end > __start", 1)
}

// TestResyncOnline has a new connector without the first patron in its snapshot, and then an
// incremental snapshot without the tenth.
func TestResyncOnline(t *testing.T) {
	s := installed(t)
	s.count("SELECT count(*) FROM library.patron", 5)
	s.run("the end of the initial synchronization", Block{Kind: Admin, Text: "endsync data source sensor;\n"})
	s.write("metadb_sensor_2", 2, 10, func(id int) string {
		if id == 10 {
			return "last"
		}
		return "true"
	})
	blocks := readBlocks(t, "docs/resync-online.md")
	at := slices.IndexFunc(blocks, func(b Block) bool { return strings.HasPrefix(b.Text, "sync table") })
	s.run("docs/resync-online.md", blocks[:at+1]...)
	s.count("SELECT count(*) FROM library.patron", 9)
	s.incremental("metadb_sensor_2")
	s.run("docs/resync-online.md", blocks[at+1:]...)
	s.count("SELECT count(*) FROM library.patron", 8)
	s.count("SELECT count(*) FROM library.patron__ WHERE NOT __current AND __end > __start", 2)
}

// incremental writes an incremental snapshot of the patrons 2 to 9, and Debezium's
// notifications that it has begun and is complete.
func (s *session) incremental(prefix string) {
	s.t.Helper()
	s.write(prefix, 2, 9, func(int) string { return "incremental" })
	producer, err := testbed.NewProducer(s.broker.Address())
	if err != nil {
		s.t.Fatal(err)
	}
	defer producer.Close()
	for _, said := range []string{`"STARTED","additional_data":{"data_collections":"library.patron"}`, `"TABLE_SCAN_COMPLETED","additional_data":{"scanned_collection":"library.patron"}`} {
		if err := producer.Write(s.t.Context(), eventgen.Record{Topic: prefix + ".notifications", Time: time.Now(), Value: []byte(
			`{"schema":{"type":"struct","fields":[{"type":"string","field":"id"}],"name":"io.debezium.connector.common.Notification"},` +
				`"payload":{"id":"1","aggregate_type":"Incremental Snapshot","type":` + said + `,"timestamp":1}}`)}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestReadme changes one of three patrons and deletes another; the session at the top of the
// page then has the output that the page shows.
func TestReadme(t *testing.T) {
	s := newSession(t)
	s.feedPatronGroups("metadb_library_1")
	blocks := readBlocks(t, "README.md")
	isConsole := func(b Block) bool { return b.Kind == Console }
	at := slices.IndexFunc(blocks, isConsole)
	if at < 0 {
		t.Fatal("README.md shows no session")
	}
	console := blocks[at]
	s.run("README.md", slices.DeleteFunc(blocks, isConsole)...)
	s.count("SELECT count(*) FROM library.patron__ WHERE NOT __current", 2)
	s.run("README.md", console)
}

// feedPatronGroups writes the snapshot of three patrons and two changes in the months after it.
func (s *session) feedPatronGroups(prefix string) {
	s.t.Helper()
	snapshot := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	s.produce(
		eventgen.Table{
			Prefix: prefix, Schema: "library", Name: "patron", Key: []int{0},
			Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}, {Name: "patron_group", Kind: eventgen.Text}},
		},
		eventgen.Change{Op: 'r', LSN: 1, Time: snapshot, Snapshot: "first", Row: []any{int64(1), "Grace Hopper", "faculty"}},
		eventgen.Change{Op: 'r', LSN: 1, Time: snapshot, Snapshot: "true", Row: []any{int64(2), "Ada Lovelace", "graduate"}},
		eventgen.Change{Op: 'r', LSN: 1, Time: snapshot, Snapshot: "last", Row: []any{int64(3), "Alan Turing", "graduate"}},
		eventgen.Change{Op: 'u', LSN: 2, Time: time.Date(2026, 3, 17, 14, 2, 11, 0, time.UTC), Row: []any{int64(2), "Ada Lovelace", "faculty"}},
		eventgen.Change{Op: 'd', LSN: 3, Time: time.Date(2026, 6, 30, 16, 45, 0, 0, time.UTC), Row: []any{int64(3), "Alan Turing", "graduate"}},
	)
}

// TestPerformance checks that PostgreSQL accepts the settings of the page.
func TestPerformance(t *testing.T) {
	s := installed(t)
	s.run("docs/performance.md", readBlocks(t, "docs/performance.md")...)
	s.count("SELECT count(*) FROM pg_settings WHERE name = 'max_wal_size' AND setting = '16384'", 1)
}
