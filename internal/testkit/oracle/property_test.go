package oracle_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// base is the time of the first event, ten seconds before a new year.
const base = 1_767_225_590

// stream draws the events of a source.
type stream struct {
	t      *rapid.T
	events []change.Event
	time   int64
	lsn    uint64
	at     map[change.Table]int
	// tables are those that have events, often ones more often.
	tables []change.Table
	// backwards allows times to run backwards.
	backwards bool
}

// drawStream draws some events, repetitions among them. The events of a key are
// all in one partition.
func drawStream(t *rapid.T) []change.Event {
	s := &stream{t: t, lsn: 1000, at: make(map[change.Table]int), backwards: rapid.Bool().Draw(t, "backwards")}
	s.tables = rapid.SampledFrom([][]change.Table{{patron}, {patron, patron, loan}, {loan}, {shelf}, {item}, {item, shelf}}).Draw(t, "tables")
	n := rapid.IntRange(1, 40).Draw(t, "events")
	for len(s.events) < n {
		s.draw()
	}
	return s.events
}

func (s *stream) draw() {
	t := s.t
	s.tick()
	name := rapid.SampledFrom(s.tables).Draw(t, "table")
	if rapid.IntRange(0, 9).Draw(t, "alter") == 0 {
		s.at[name] = s.alter(name)
	}
	switch action := rapid.IntRange(0, 29).Draw(t, "action"); {
	case action < 18:
		s.add(s.upsert(name))
	case action < 22:
		gone := s.remove(name, s.key(name))
		gone.Origin = s.origin(name)
		s.add(gone)
	case action < 26:
		s.move(name)
	case action < 27:
		s.add(change.Event{Op: change.Truncate, Table: name, Origin: s.origin(name)})
	default:
		s.repeat()
	}
}

// alter returns another version of the table: mostly the next one. An earlier one
// occurs in a running snapshot, or after the connector returned to an earlier position.
func (s *stream) alter(name change.Table) int {
	if rapid.IntRange(0, 3).Draw(s.t, "back") == 0 {
		return rapid.IntRange(0, len(versions[name])-1).Draw(s.t, "version")
	}
	return min(s.at[name]+1, len(versions[name])-1)
}

// origin draws an origin; only one table has rows of two.
func (s *stream) origin(name change.Table) change.Origin {
	if name == patron && rapid.IntRange(0, 3).Draw(s.t, "origin") == 0 {
		return "east"
	}
	return ""
}

// tick moves lsn on, and time, or that back. Transactions that run side by side are the business of
// package pipeline's model.
func (s *stream) tick() {
	steps := []int64{0, 0, 1, 1, 5}
	if s.backwards {
		steps = append(steps, -1, -7)
	}
	s.time += rapid.SampledFrom(steps).Draw(s.t, "seconds")
	s.lsn += 10
}

func (s *stream) key(name change.Table) []any {
	var key []any
	for _, c := range versions[name][s.at[name]].identity() {
		key = append(key, rapid.SampledFrom(c.values).Draw(s.t, c.name))
	}
	return key
}

func (s *stream) upsert(name change.Table) change.Event {
	e := change.Event{Op: change.Upsert, Table: name, Shape: shapes[name][s.at[name]]}
	for _, c := range versions[name][s.at[name]].columns {
		e.Row = cell(e.Row, c.kind, rapid.SampledFrom(c.values).Draw(s.t, c.name))
	}
	e.Origin = s.origin(name)
	return e
}

func (s *stream) remove(name change.Table, key []any) change.Event {
	e := change.Event{Op: change.Delete, Table: name, Shape: keyShapes[name][s.at[name]]}
	for i, value := range key {
		e.Row = cell(e.Row, versions[name][s.at[name]].columns[i].kind, value)
	}
	return e
}

// move changes a key: its delete, and the insert of the new one, may be apart.
func (s *stream) move(name change.Table) {
	old := s.key(name)
	gone, come := s.remove(name, old), s.upsert(name)
	gone.Origin = come.Origin
	for i, value := range old {
		come.OldKey = cell(come.OldKey, versions[name][s.at[name]].columns[i].kind, value)
	}
	if rapid.IntRange(0, 4).Draw(s.t, "unread") == 0 {
		s.add(come)
		s.lsn--
		s.add(gone)
		return
	}
	s.add(gone)
	s.lsn++
	s.add(come)
}

// add gives the event its place and appends it.
func (s *stream) add(e change.Event) {
	e.Time, e.LSN, e.Source = change.Micros((base+s.time)*1e6), s.lsn, e.Table
	e.Position.Partition = change.Partition{Topic: "sensor." + e.Table.Name}
	if len(e.Row) > 0 {
		// The key's first cell decides, as a hash would.
		first := e.Row.Cell(0).Bytes
		e.Position.Partition.Number = int32(first[len(first)-1] % 2)
	}
	s.events = append(s.events, e)
}

// repeat sends the last events of a partition again, like a connector that was
// killed before it had stored its position.
func (s *stream) repeat() {
	if len(s.events) == 0 {
		return
	}
	part := s.events[len(s.events)-1].Position.Partition
	n := rapid.IntRange(1, 6).Draw(s.t, "again")
	var again []change.Event
	for i := len(s.events) - 1; i >= 0 && len(again) < n; i-- {
		if s.events[i].Position.Partition == part {
			again = append(again, s.events[i])
		}
	}
	for i := len(again) - 1; i >= 0; i-- {
		s.events = append(s.events, again[i])
	}
}

// TestHistoryEqualsOracle expects the tables to equal those of the oracle, for random
// events, any division into batches, and kills and lost transactions at any point.
func TestHistoryEqualsOracle(t *testing.T) {
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		b.clear(t)
		events := drawStream(t)
		b.resync = rapid.Bool().Draw(t, "resync")
		for _, e := range events {
			if b.resync {
				b.from[e.Position.Partition] = int64(rapid.IntRange(0, 3).Draw(t, "confirm from"))
			}
		}
		all := events
		defer func() {
			if t.Failed() {
				t.Log(listEvents(all))
			}
		}()
		for len(events) > 0 {
			n := min(len(events), rapid.SampledFrom([]int{1, 2, 3, 5, 8, 100}).Draw(t, "batch"))
			sides := rapid.IntRange(0, 1<<len(versions)-1).Draw(t, "sides")
			b.side = func(table change.Table) int {
				return sides >> slices.Index([]change.Table{patron, loan, shelf, item}, table) & 1
			}
			b.apply(t, events[:n:n], drawFailure(t))
			events = events[n:]
			for name := range versions {
				b.check(t, name)
			}
		}
	})
}

// drawFailure draws how the first try of a batch fails, if it does.
func drawFailure(t *rapid.T) failure {
	how := failure{crash: rapid.Bool().Draw(t, "crash")}
	switch rapid.IntRange(0, 5).Draw(t, "fails") {
	case 0:
		how.statement = rapid.IntRange(1, 20).Draw(t, "statement")
	case 1:
		how.write = rapid.IntRange(1, 60).Draw(t, "write")
		how.unanswered = rapid.Bool().Draw(t, "unanswered")
	}
	return how
}

// listEvents lists events, one on each line.
func listEvents(events []change.Event) string {
	var b strings.Builder
	for i := range events {
		e := &events[i]
		fmt.Fprintf(&b, "\n%d %s %s %q at %d lsn %d:", i, e.Op, e.Table.Name, e.Origin, int64(e.Time/1e6)-base, e.LSN)
		for k, c := range e.Row.Cells() {
			text, err := datatype.Format(e.Shape.Columns[k].Type, c)
			if err != nil {
				text = [...]string{"invalid", "NULL", "unavailable"}[c.State]
			}
			fmt.Fprintf(&b, " %s=%s", e.Shape.Columns[k].Name, text)
		}
		if e.OldKey != nil {
			fmt.Fprintf(&b, " old key % x", []byte(e.OldKey))
		}
		fmt.Fprintf(&b, " %s suspect=%t confirm=%t", e.Position, e.Suspect, e.Confirm)
	}
	return b.String()
}

// TestMain makes so many examples by default that the package's tests stay
// quick; METADB_ORACLE_CHECKS sets a higher number.
func TestMain(m *testing.M) {
	checks := "60"
	if n, err := strconv.Atoi(os.Getenv("METADB_ORACLE_CHECKS")); err == nil {
		checks = strconv.Itoa(n)
	}
	os.Args = append(os.Args[:1:1], append([]string{"-rapid.checks=" + checks}, os.Args[1:]...)...)
	m.Run()
}
