package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// spread is a source with one table in several partitions, and the versions that result from its
// changes in order.
type spread struct {
	*feed
	random *rand.Rand
	at     time.Time
	rows   map[int64]*spreadRow
	past   []string
}

// spreadRow is a current row.
type spreadRow struct {
	name, note string
	start      time.Time
}

func newSpread(t *testing.T) *spread {
	t.Helper()
	f := feedOf(t, eventgen.Table{
		Schema: "library", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}, {Name: "note", Kind: eventgen.Text}},
	})
	return &spread{
		feed: f, random: rand.New(rand.NewPCG(7, 11)), rows: map[int64]*spreadRow{},
		at: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (s *spread) send(c eventgen.Change) {
	s.t.Helper()
	c.LSN, c.TxID, c.Time = s.lsn, int64(s.lsn), s.at
	record, err := s.encoder.Encode(c)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.producer.Write(s.t.Context(), record); err != nil {
		s.t.Fatal(err)
	}
}

// end ends a current row.
func (s *spread) end(id int64) {
	row := s.rows[id]
	s.past = append(s.past, fmt.Sprintf("%d %s %s %s %s", id, row.name, row.note, clock(row.start), clock(s.at)))
	delete(s.rows, id)
}

func clock(at time.Time) string { return at.Format("15:04:05") }

// change makes one change at random: most update a row without its long value, some move it to
// another key, a few truncate the table.
func (s *spread) change(number int) {
	s.t.Helper()
	s.lsn += 8
	s.at = s.at.Add(time.Second)
	id := int64(s.random.IntN(12) + 1)
	row := s.rows[id]
	name := fmt.Sprintf("n%d", number)
	switch kind := s.random.IntN(40); {
	case kind == 0:
		s.send(eventgen.Change{Op: 't'})
		for id := range s.rows {
			s.end(id)
		}
	case row == nil:
		s.send(eventgen.Change{Op: 'c', Row: []any{id, name, "note" + name}})
		s.rows[id] = &spreadRow{name, "note" + name, s.at}
	case kind < 6:
		s.send(eventgen.Change{Op: 'd', Row: []any{id, row.name, row.note}})
		s.end(id)
	case kind < 20 && s.rows[id+100] == nil:
		note := row.note
		s.send(eventgen.Change{Op: 'd', Row: []any{id, row.name, nil}, NewKey: []any{id + 100}})
		s.end(id)
		s.send(eventgen.Change{Op: 'c', Row: []any{id + 100, name, eventgen.Unavailable{}}, OldKey: []any{id}})
		s.rows[id+100] = &spreadRow{name, note, s.at}
	default:
		note := row.note
		s.send(eventgen.Change{Op: 'u', Row: []any{id, name, eventgen.Unavailable{}}})
		s.end(id)
		s.rows[id] = &spreadRow{name, note, s.at}
	}
}

// versions returns the versions that the database must have.
func (s *spread) versions() string {
	all := slices.Clone(s.past)
	for id, row := range s.rows {
		all = append(all, fmt.Sprintf("%d %s %s %s -", id, row.name, row.note, clock(row.start)))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestSeveralPartitions checks that the history is that of the source if the rows of a table are
// in several partitions, and later in more; truncates and key changes affect all of them. It
// tests a backlog as well as new records.
func TestSeveralPartitions(t *testing.T) {
	i, s := install(t), newSpread(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Address()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), 3, 1, nil, "sensor.library.patron"); err != nil {
		t.Fatal(err)
	}
	for number := range 200 {
		s.change(number)
	}
	r := i.start(t)
	r.admin(t, s.source())
	for number := range 100 {
		s.change(200 + number)
	}
	const versions = `SELECT string_agg(v, E'\n' ORDER BY v COLLATE "C") FROM (
		SELECT id || ' ' || name || ' ' || coalesce(note, 'NULL') || ' ' || to_char(__start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' ' ||
			CASE WHEN __current THEN '-' ELSE to_char(__end AT TIME ZONE 'UTC', 'HH24:MI:SS') END AS v FROM library.patron__) AS t`
	s.check(r, versions)
	if _, err := admin.UpdatePartitions(t.Context(), 7, "sensor.library.patron"); err != nil {
		t.Fatal(err)
	}
	s.producer.Close() // its metadata has three partitions
	if s.producer, err = testbed.NewProducer(s.broker.Address()); err != nil {
		t.Fatal(err)
	}
	defer s.producer.Close()
	for number := range 200 {
		s.change(300 + number)
	}
	s.check(r, versions)
}

// check waits until the database has the versions of the source. Its error has the versions that
// only one of them has.
func (s *spread) check(r *running, query string) {
	s.t.Helper()
	want := strings.Split(s.versions(), "\n")
	r.await(s.t, "have the history of the source", func() error {
		var text string
		if err := r.db.Pool.QueryRow(s.t.Context(), query).Scan(&text); err != nil {
			return err
		}
		got := strings.Split(text, "\n")
		var differ []string
		for _, line := range got {
			if !slices.Contains(want, line) {
				differ = append(differ, "got  "+line)
			}
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				differ = append(differ, "want "+line)
			}
		}
		if len(differ) > 0 || len(got) != len(want) {
			return fmt.Errorf("%d versions, want %d:\n%s", len(got), len(want), strings.Join(differ, "\n"))
		}
		return nil
	})
}
