package doctest

import (
	"slices"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
)

// patrons is the table of the tutorial's source.
func patrons(prefix string, more ...eventgen.Column) eventgen.Table {
	columns := []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}, {Name: "patron_group", Kind: eventgen.Text}}
	return eventgen.Table{Prefix: prefix, Schema: "library", Name: "patron", Key: []int{0}, Columns: append(columns, more...)}
}

// TestTutorial runs docs/tutorial.md. At each block of statements for the source it writes what the
// connector would send for them, and waits until it is applied.
func TestTutorial(t *testing.T) {
	s := newSession(t)
	const first, second = "metadb_library_1", "metadb_library_2"
	email := eventgen.Column{Name: "email", Kind: eventgen.Text}
	snapshot := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	later := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	const versions = "SELECT count(*) FROM library.patron__"
	atSource := []func(){
		func() {
			s.produce(
				patrons(first),
				eventgen.Change{Op: 'r', LSN: 1, Time: snapshot, Snapshot: "first", Row: []any{int64(1), "Grace Hopper", "faculty"}},
				eventgen.Change{Op: 'r', LSN: 1, Time: snapshot, Snapshot: "true", Row: []any{int64(2), "Ada Lovelace", "graduate"}},
				eventgen.Change{Op: 'r', LSN: 1, Time: snapshot, Snapshot: "last", Row: []any{int64(3), "Alan Turing", "graduate"}},
			)
		},
		func() {
			s.produce(
				patrons(first),
				eventgen.Change{Op: 'u', LSN: 2, Time: time.Date(2026, 3, 17, 14, 2, 11, 0, time.UTC), Row: []any{int64(2), "Ada Lovelace", "faculty"}},
				eventgen.Change{Op: 'd', LSN: 3, Time: time.Date(2026, 6, 30, 16, 45, 0, 0, time.UTC), Row: []any{int64(3), "Alan Turing", "graduate"}},
			)
			s.count(versions+" WHERE NOT __current", 2)
		},
		func() {
			s.produce(patrons(first, email), eventgen.Change{Op: 'u', LSN: 4, Time: later, Row: []any{int64(2), "Ada Lovelace", "faculty", "ada@example.org"}})
			s.count(versions, 5)
		},
		func() {
			s.produce(
				patrons(second, email),
				eventgen.Change{Op: 'r', LSN: 9, Time: later.AddDate(0, 1, 0), Snapshot: "first", Row: []any{int64(2), "Ada Lovelace", "faculty", "ada@example.org"}},
				eventgen.Change{Op: 'r', LSN: 9, Time: later.AddDate(0, 1, 0), Snapshot: "last", Row: []any{int64(4), "Emmy Noether", "faculty", nil}},
			)
		},
	}
	blocks := readBlocks(t, "docs/tutorial.md")
	for len(blocks) > 0 {
		next := 1 + slices.IndexFunc(blocks[1:], func(b Block) bool { return b.Kind == Source })
		if next == 0 {
			next = len(blocks)
		}
		if len(atSource) == 0 || blocks[0].Kind != Source {
			t.Fatalf("line %d: the test has no records for it", blocks[0].Line)
		}
		atSource[0]()
		atSource = atSource[1:]
		s.run("docs/tutorial.md", blocks[1:next]...)
		blocks = blocks[next:]
	}
	if len(atSource) > 0 {
		t.Errorf("the page has %d blocks of the source less than the test", len(atSource))
	}
}
