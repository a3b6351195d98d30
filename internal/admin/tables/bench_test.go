package tables_test

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/metaschema"
	"metadb/internal/target/plan"
	"metadb/internal/testkit/pgtest"
)

// bench is a database with some main tables.
type bench struct {
	t    *testing.T
	conn *pgx.Conn
	url  string
	// tx is the transaction of the running test; it is rolled back.
	tx  pgx.Tx
	log strings.Builder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO metadb.source (name) VALUES ('sensor')"); err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, conn: conn, url: db.ConnString}
}

// try runs a test in a transaction and rolls it back.
func (b *bench) try(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		tx, err := b.conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := tx.Rollback(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		b.t, b.tx = t, tx
		test(t)
	})
}

// table creates a table with history in 2026. The first column is the key. If parent is not empty,
// the table is transformed from it.
func (b *bench) table(name, parent string, columns ...change.Column) {
	b.t.Helper()
	table := catalog.NewTable(change.Table{Schema: "library", Name: name}, "sensor")
	if parent != "" {
		table.Parent = change.Table{Schema: "library", Name: parent}
	}
	for _, c := range columns {
		table.Columns = append(table.Columns, catalog.Column{Column: c, Stored: ident.Name(c.Name)})
	}
	table.Key, table.Years = []int{0}, []int{2026}
	table.Feeds[""] = change.Table{Schema: "public", Name: name}
	tx, err := b.conn.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := ddl.Execute(b.t.Context(), tx, plan.Delta{After: table}, slog.New(slog.DiscardHandler)); err != nil {
		b.t.Fatal(err)
	}
	if err := tx.Commit(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// catalog loads the tables as the transaction sees them.
func (b *bench) catalog() *catalog.Snapshot {
	b.t.Helper()
	store := catalog.NewStore()
	if err := store.Load(b.t.Context(), b.tx); err != nil {
		b.t.Fatal(err)
	}
	return store.Snapshot()
}

// isLoaded checks that a restart would read the table as it was returned.
func (b *bench) isLoaded(table *catalog.Table) {
	b.t.Helper()
	if loaded := b.catalog().Table(table.Name); !reflect.DeepEqual(loaded, table) {
		b.t.Errorf("loaded\n%+v\nreturned\n%+v", loaded, table)
	}
}

func (b *bench) exec(sql string) {
	b.t.Helper()
	if _, err := b.tx.Exec(b.t.Context(), sql); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// texts compares the first column of a query.
func (b *bench) texts(sql string, want ...string) {
	b.t.Helper()
	rows, err := b.tx.Query(b.t.Context(), sql)
	if err != nil {
		b.t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !slices.Equal(got, want) {
		b.t.Errorf("%s\n got %q, %v\nwant %q", sql, got, err, want)
	}
}

func column(name string, t change.Type) change.Column { return change.Column{Name: name, Type: t} }

func main(name string) ident.Qualified {
	return ident.Qualified{Schema: "library", Name: ident.Main(name)}
}
