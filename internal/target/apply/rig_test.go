package apply_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// rig is a database with an applier.
type rig struct {
	t       *testing.T
	db      *pgtest.DB
	store   *catalog.Store
	applier *apply.Applier
	// other is another session, which can replace the applier.
	other  *apply.Applier
	offset int64
	log    *bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, db: pgtest.New(t), store: catalog.NewStore(), log: &bytes.Buffer{}}
	conn, err := r.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, applier := range []**apply.Applier{&r.applier, &r.other} {
		*applier = apply.New(apply.Config{
			Connect: r.connect, Source: "sensor", Group: "group", Store: r.store,
			Logger: slog.New(slog.NewTextHandler(r.log, nil)),
		})
		t.Cleanup(func() { _ = (*applier).Close(context.Background()) })
	}
	return r
}

func (r *rig) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, r.db.ConnString)
}

// apply applies events as one batch.
func (r *rig) apply(events ...change.Event) change.Outcome {
	r.t.Helper()
	out, err := r.try(events...)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *rig) try(events ...change.Event) (change.Outcome, error) {
	span := change.Span{Partition: change.Partition{Topic: "t"}, Fresh: r.offset == 0, From: change.PartitionProgress{Next: r.offset}}
	for i := range events {
		events[i].Position = change.Position{Partition: change.Partition{Topic: "t", Number: events[i].Position.Partition.Number}, Offset: r.offset + int64(i)}
	}
	span.To.Next = r.offset + int64(len(events)) + 1
	out, err := r.applier.Apply(r.t.Context(), &change.Batch{Source: "sensor", Events: events, Spans: []change.Span{span}})
	if err == nil {
		r.offset = span.To.Next
	}
	return out, err
}

// rows returns a query's rows, one a line, the fields separated by blanks.
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

// versions returns the versions of library.patron: id, v, start and end in seconds, "-" for the end
// of a current one.
func (r *rig) versions() string {
	r.t.Helper()
	return r.rows(`SELECT id, coalesce(v::text, 'NULL'), extract(epoch FROM __start)::bigint,
		CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__ ORDER BY id, __start, __id`)
}

var patron = change.Table{Schema: "library", Name: "patron"}

var (
	shape = &change.Shape{
		Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: change.Text}},
		Key:     []int{0},
	}
	keyShape = &change.Shape{Columns: shape.Columns[:1], Key: []int{0}}
)

func cellInt(row change.Row, n int32) change.Row {
	return change.AppendValue(row, binary.BigEndian.AppendUint32(nil, uint32(n)))
}

// cellText appends a text cell: NULL for "NULL", unavailable for "?".
func cellText(row change.Row, text string) change.Row {
	switch text {
	case "NULL":
		return change.AppendNull(row)
	case "?":
		return change.AppendUnavailable(row)
	}
	return change.AppendValue(row, []byte(text))
}

const second = change.Micros(1_000_000)

// put returns an upsert at a time in seconds.
func put(id int32, v string, at change.Micros) change.Event {
	return change.Event{
		Op: change.Upsert, Source: patron, Table: patron, Time: at * second, LSN: uint64(at),
		Shape: shape, Row: cellText(cellInt(nil, id), v),
	}
}

func del(id int32, at change.Micros) change.Event {
	return change.Event{
		Op: change.Delete, Source: patron, Table: patron, Time: at * second, LSN: uint64(at),
		Shape: keyShape, Row: cellInt(nil, id),
	}
}

func truncate(at change.Micros) change.Event {
	return change.Event{Op: change.Truncate, Source: patron, Table: patron, Time: at * second}
}

func movedFrom(e change.Event, old int32) change.Event {
	e.OldKey = cellInt(nil, old)
	return e
}

func suspect(e change.Event) change.Event {
	e.Suspect = true
	return e
}

// repeated marks an event as certainly applied before.
func repeated(e change.Event) change.Event {
	e.Repeated = true
	return suspect(e)
}

// overtakenTruncate marks a truncate as one that another partition overtook.
func overtakenTruncate(e change.Event) change.Event {
	e.Overtaken = true
	return suspect(e)
}

func confirm(e change.Event) change.Event {
	e.Confirm = true
	return e
}

func TestMain(m *testing.M) { os.Exit(m.Run()) }
