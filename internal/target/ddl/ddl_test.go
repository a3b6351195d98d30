package ddl_test

import (
	"context"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/metaschema"
	"metadb/internal/target/plan"
	"metadb/internal/testkit/pgtest"
)

// bench is a database with the system schema, and the catalog of its tables.
type bench struct {
	*pgtest.DB
	t     *testing.T
	conn  *pgx.Conn
	store *catalog.Store
	log   strings.Builder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: pgtest.New(t), t: t, store: catalog.NewStore()}
	conn, err := pgx.Connect(t.Context(), b.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.conn = conn
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO metadb.source (name) SELECT 'sensor' UNION SELECT 'source' || n FROM generate_series(0, 9) n"); err != nil {
		t.Fatal(err)
	}
	return b
}

// try plans the events, executes the plan, and publishes the resulting tables.
func (b *bench) try(events ...change.Event) error {
	p := plan.Make("sensor", events, b.store.Snapshot())
	if len(p.Refused) > 0 {
		b.t.Fatalf("refused: %v", p.Refused)
	}
	var tables []*catalog.Table
	err := pgx.BeginFunc(b.t.Context(), b.conn, func(tx pgx.Tx) error {
		for _, d := range p.Deltas {
			table, err := ddl.Execute(b.t.Context(), tx, d, slog.New(slog.NewTextHandler(&b.log, nil)))
			if err != nil {
				return err
			}
			tables = append(tables, table)
		}
		return nil
	})
	if err == nil {
		b.store.Publish(tables...)
	}
	return err
}

// apply is try for events that must not fail; afterwards the catalog in memory must equal the
// database.
func (b *bench) apply(events ...change.Event) {
	b.t.Helper()
	if err := b.try(events...); err != nil {
		b.t.Fatal(err)
	}
	b.checkLoaded()
}

// checkLoaded reads the catalog as a restart would and compares it with the
// published one.
func (b *bench) checkLoaded() {
	b.t.Helper()
	fresh := catalog.NewStore()
	if err := fresh.Load(b.t.Context(), b.conn); err != nil {
		b.t.Fatal(err)
	}
	want, got := slices.Collect(b.store.Snapshot().All()), slices.Collect(fresh.Snapshot().All())
	if len(want) != len(got) {
		b.t.Fatalf("loaded %d tables, published %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i]) {
			b.t.Errorf("loaded\n%+v\npublished\n%+v", got[i], want[i])
		}
	}
}

func (b *bench) exec(sql string) {
	b.t.Helper()
	if _, err := b.conn.Exec(b.t.Context(), sql); err != nil {
		b.t.Fatal(err)
	}
}

// texts returns the first column of a query.
func (b *bench) texts(sql string, args ...any) []string {
	b.t.Helper()
	rows, err := b.conn.Query(b.t.Context(), sql, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b *bench) wantTexts(want []string, sql string, args ...any) {
	b.t.Helper()
	if got := b.texts(sql, args...); !slices.Equal(got, want) {
		b.t.Errorf("%s\ngot  %q\nwant %q", strings.TrimSpace(sql), got, want)
	}
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

var patron = change.Table{Schema: "library", Name: "patron"}

func column(name string, t change.Type) change.Column { return change.Column{Name: name, Type: t} }

// upsert returns an event of the year with NULL in every column. The first column is the key.
func upsert(table change.Table, year int, columns ...change.Column) change.Event {
	e := change.Event{
		Op: change.Upsert, Source: table, Table: table,
		Time:  change.Micros(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro()),
		Shape: &change.Shape{Columns: columns, Key: []int{0}},
	}
	for range columns {
		e.Row = change.AppendNull(e.Row)
	}
	return e
}

func withKey(e change.Event, key ...int) change.Event {
	e.Shape = &change.Shape{Columns: e.Shape.Columns, Key: key}
	return e
}
