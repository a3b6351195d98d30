package torture

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"

	"metadb/internal/change"
	"metadb/internal/oracle"
	"metadb/internal/rig"
)

var (
	seed    = flag.Uint64("seed", 0, "torture with this seed; 0 runs the short fixed one")
	minutes = flag.Float64("minutes", 1, "how long to torture")
	// With more than one, a truncate that is read after what follows it in another
	// partition can end a row whose next change was equal to it: see
	// docs/reliability.md.
	partitions = flag.Int("partitions", 1, "how many partitions each topic has; with more than one others are added too")
)

// quiet is how long everything may take to come right when it is left alone.
const quiet = time.Minute

// TestTorture inflicts torments in rounds; after each round all must be as the
// oracle says.
func TestTorture(t *testing.T) {
	seeds, rounds, limit := []uint64{1}, 1, time.Duration(0)
	if *seed != 0 {
		seeds, rounds, limit = []uint64{*seed}, 1<<30, time.Duration(*minutes*float64(time.Minute))
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w, end := newWorld(t, seed), time.Now().Add(limit)
			for round := range rounds {
				if limit > 0 && time.Now().After(end) {
					break
				}
				for range 8 {
					w.write(w.source.changes(1 + w.random.IntN(150)))
					w.torment()
				}
				w.check()
				t.Logf("round %d is right: %v", round+1, w.counts)
				w.source.next()
			}
		})
	}
}

// torment is something bad that is undone again.
type torment struct {
	name    string
	inflict func()
}

// torment does something bad, and undoes it.
func (w *world) torment() {
	w.t.Helper()
	torments := []torment{
		{"kill -9", func() { w.pause(700 * time.Millisecond); w.kill(); w.start() }},
		{"kill -9 at the start", func() { w.kill(); w.start(); w.kill(); w.start() }},
		{"stop", func() {
			if err := w.metadb.Stop(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
			w.start()
		}},
		{"PostgreSQL crashes", func() { w.pause(300 * time.Millisecond); w.database(w.cluster.Crash) }},
		{"PostgreSQL restarts", func() { w.pause(300 * time.Millisecond); w.database(w.cluster.Stop) }},
		{"connections cut", func() {
			w.pause(300 * time.Millisecond)
			w.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mdbadmin'")
		}},
		{"broker away", func() { w.away.Store(true); w.pause(3 * time.Second); w.away.Store(false) }},
		{"positions moved back", func() {
			w.sql(fmt.Sprintf("UPDATE metadb.stream_position SET next_offset = greatest(0, next_offset - %d)", w.random.IntN(200)))
		}},
		{"sent again", func() { w.write(w.source.again()) }},
		{"hostile", func() { w.write(w.source.bad()) }},
		{"nothing", func() { w.pause(500 * time.Millisecond) }},
	}
	if *partitions > 1 {
		torments = append(torments, torment{"partition added", func() { w.addPartition(topics[w.random.IntN(len(topics))]) }})
	}
	one := torments[w.random.IntN(len(torments))]
	w.counts[one.name]++
	one.inflict()
}

// database ends PostgreSQL in some way and starts it again.
func (w *world) database(end func() error) {
	w.t.Helper()
	if err := end(); err != nil {
		w.t.Fatal(err)
	}
	w.pause(time.Second)
	if err := w.cluster.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sql(statement string) {
	w.t.Helper()
	if err := w.query(w.t.Context(), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// check waits until the tables are what the oracle has, and all rejected events
// are there.
func (w *world) check() {
	w.t.Helper()
	err := rig.Eventually(w.t.Context(), quiet, "be what the oracle says", func() error {
		conn, err := pgx.Connect(w.t.Context(), w.metadb.Database())
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(w.t.Context()) }()
		for _, of := range w.source.tables {
			name := change.Table{Schema: w.source.schema(), Name: of.topic[len("torture."):]}
			if err := w.compare(conn, name); err != nil {
				return err
			}
		}
		var rejected int
		if err := conn.QueryRow(w.t.Context(), "SELECT count(*) FROM metadb.rejected_event").Scan(&rejected); err != nil {
			return err
		}
		if rejected != w.source.hostile {
			return fmt.Errorf("%d rejected events, not %d", rejected, w.source.hostile)
		}
		return nil
	})
	if err != nil {
		w.t.Fatalf("%v\nafter %v\n%s", err, w.counts, w.positions())
	}
}

// compare compares the versions of a table.
func (w *world) compare(conn *pgx.Conn, name change.Table) error {
	want := expected(w.source.oracle.Table(name))
	if len(want) == 0 {
		return nil
	}
	columns := make([]string, 0, 4)
	for _, c := range w.source.oracle.Table(name).Columns {
		columns = append(columns, fmt.Sprintf("coalesce(%q::text, 'NULL')", c.Name))
	}
	sql := fmt.Sprintf(`SELECT concat_ws('|', %s, (extract(epoch FROM __start) * 1000000)::bigint,
		CASE WHEN __current THEN 'now' ELSE (extract(epoch FROM __end) * 1000000)::bigint::text END) FROM %q.%q`,
		strings.Join(columns, ", "), name.Schema, name.Name+"__")
	rows, err := conn.Query(w.t.Context(), sql)
	if err != nil {
		return err
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	slices.Sort(got)
	if slices.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("table %s: %d versions, not %d; surplus:\n%s\nmissing:\n%s", name, len(got), len(want), without(got, want), without(want, got))
}

// expected describes the oracle's versions.
func expected(t *oracle.Table) []string {
	if t == nil {
		return nil
	}
	lines := make([]string, 0, len(t.Versions))
	for _, v := range t.Versions {
		fields := make([]string, 0, len(v.Values)+2)
		for _, value := range v.Values {
			text := "NULL"
			if value.Present {
				text = value.Text
			}
			fields = append(fields, text)
		}
		end := "now"
		if !v.Current() {
			end = fmt.Sprint(int64(v.End))
		}
		lines = append(lines, strings.Join(append(fields, fmt.Sprint(int64(v.Start)), end), "|"))
	}
	slices.Sort(lines)
	return lines
}

// without returns the first few lines of a that b lacks.
func without(a, b []string) string {
	var lines []string
	for _, line := range a {
		if _, found := slices.BinarySearch(b, line); !found && len(lines) < 10 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// positions tells how far the server has come, and where the topics end.
func (w *world) positions() string {
	conn, err := pgx.Connect(w.t.Context(), w.metadb.Database())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	rows, err := conn.Query(w.t.Context(), "SELECT concat_ws(' ', topic, partition, next_offset) FROM metadb.stream_position ORDER BY topic, partition")
	if err != nil {
		return err.Error()
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err.Error()
	}
	ends, err := kadm.NewClient(w.client).ListEndOffsets(w.t.Context(), topics...)
	if err != nil {
		return err.Error()
	}
	ends.Each(func(o kadm.ListedOffset) {
		lines = append(lines, fmt.Sprintf("%s %d ends at %d", o.Topic, o.Partition, o.Offset))
	})
	return strings.Join(lines, "\n")
}
