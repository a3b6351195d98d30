package resync_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/resync"
	"metadb/internal/source"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

const group = "metadb_sensor_2_1"

// sensor is the data source of the rig.
var sensor = resync.Target{Source: "sensor"}

// showCounts formats counts without their samples.
func showCounts(counts []resync.TableCount) string {
	var parts []string
	for _, c := range counts {
		parts = append(parts, fmt.Sprintf("{%s %d %d}", c.Table, c.Current, c.Confirmed))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// rig is a database with a data source "sensor", in initial mode, and a stream.
type rig struct {
	t       *testing.T
	db      *pgtest.DB
	conn    *pgx.Conn
	applier *apply.Applier
	offset  int64
	// streamed is the number of records in its second topic.
	streamed int64
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, db: pgtest.New(t)}
	r.reconnect()
	if err := metaschema.Ensure(t.Context(), r.conn, "test"); err != nil {
		t.Fatal(err)
	}
	o := datasource.New("sensor")
	for key, value := range map[string]string{
		"brokers": "localhost:9092", "security": "plaintext", "topics": `^metadb_sensor_2\.`, "consumer_group": group,
	} {
		if err := o.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := datasource.Insert(t.Context(), r.conn, o); err != nil {
		t.Fatal(err)
	}
	r.restart()
	return r
}

// reconnect opens a new connection, as the next command does.
func (r *rig) reconnect() {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.db.ConnString)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	r.conn = conn
}

// restart creates the stream anew, with the tables of the database.
func (r *rig) restart() {
	r.t.Helper()
	store := catalog.NewStore()
	if err := store.Load(r.t.Context(), r.db.Pool); err != nil {
		r.t.Fatal(err)
	}
	applier := apply.New(apply.Config{
		Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, r.db.ConnString) },
		Source:  "sensor", Group: "group", Store: store, Logger: slog.New(slog.DiscardHandler),
	})
	r.t.Cleanup(func() { _ = applier.Close(context.Background()) })
	r.applier = applier
}

// apply applies events as one batch.
func (r *rig) apply(events ...change.Event) {
	r.t.Helper()
	part := change.Partition{Topic: "metadb_sensor_1.t"}
	span := change.Span{Partition: part, Fresh: r.offset == 0, From: change.PartitionProgress{Next: r.offset}}
	for i := range events {
		events[i].Position = change.Position{Partition: part, Offset: r.offset + int64(i)}
	}
	span.To.Next = r.offset + int64(len(events))
	out, err := r.applier.Apply(r.t.Context(), &change.Batch{Source: "sensor", Events: events, Spans: []change.Span{span}})
	if err != nil || out.Rejected > 0 {
		r.t.Fatalf("apply: %+v %v", out, err)
	}
	r.offset = span.To.Next
}

// put returns an upsert of a row (id, v) at a time in seconds.
func put(table string, id int32, v string, at change.Micros) change.Event {
	name := change.Table{Schema: "library", Name: table}
	row := change.AppendValue(nil, binary.BigEndian.AppendUint32(nil, uint32(id)))
	if v == "" {
		row = change.AppendNull(row)
	} else {
		row = change.AppendValue(row, []byte(v))
	}
	return change.Event{
		Op: change.Upsert, Source: name, Table: name, Time: at * 1_000_000, Row: row,
		Shape: &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: change.Text}}, Key: []int{0}},
	}
}

func confirm(e change.Event) change.Event {
	e.Confirm = true
	return e
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Pool.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// rows returns a query's rows, one in each line, the fields separated by blanks.
func (r *rig) rows(query string, args ...any) string {
	r.t.Helper()
	found, err := r.db.Pool.Query(r.t.Context(), query, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		if err != nil {
			return "", err
		}
		fields := make([]string, len(values))
		for i, v := range values {
			fields[i] = fmt.Sprint(v)
		}
		return strings.Join(fields, " "), nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// expect compares the result of a query.
func (r *rig) expect(query, want string) {
	r.t.Helper()
	if got := r.rows(query); got != want {
		r.t.Errorf("%s\ngot\n%s\nwant\n%s", query, got, want)
	}
}

// scriptedPrompter records all texts, and answers every question with yes except for one.
type scriptedPrompter struct {
	said []string
	// no is a part of the question that is answered with no.
	no string
	// away is true if no terminal is attached.
	away bool
	// progress is called for each report of progress, if set.
	progress func(table change.Table, done, total int64)
}

var _ resync.Prompter = (*scriptedPrompter)(nil)

func (f *scriptedPrompter) Ask(q resync.Question) (bool, error) {
	f.said = append(f.said, q.Text)
	if f.away {
		return false, resync.ErrNoTerminal
	}
	return f.no == "" || !strings.Contains(q.Text, f.no), nil
}

func (f *scriptedPrompter) Warn(line string) { f.said = append(f.said, line) }

func (f *scriptedPrompter) Progress(table change.Table, done, total int64) {
	if f.progress != nil {
		f.progress(table, done, total)
	}
}

// heard compares all recorded texts.
func (f *scriptedPrompter) heard(t *testing.T, want ...string) {
	t.Helper()
	if got, want := strings.Join(f.said, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("said\n%s\nwant\n%s", got, want)
	}
}

// noBroker fails the test when the broker is queried.
func noBroker(t *testing.T) resync.BoundsFunc {
	return func(context.Context, *datasource.Options, []string) (map[change.Partition]source.Bounds, error) {
		t.Error("the broker has been asked")
		return nil, nil
	}
}

// sync begins a resynchronization without any stored positions of the topics.
func (r *rig) sync() {
	r.t.Helper()
	r.exec("DELETE FROM metadb.stream_position WHERE topic LIKE 'metadb_sensor_2%'")
	ask := func(context.Context, *datasource.Options, []string) (map[change.Partition]source.Bounds, error) {
		return map[change.Partition]source.Bounds{}, nil
	}
	if err := resync.Sync(r.t.Context(), r.conn, &scriptedPrompter{}, resync.SyncOptions{Target: sensor, Bounds: ask}); err != nil {
		r.t.Fatal(err)
	}
}
