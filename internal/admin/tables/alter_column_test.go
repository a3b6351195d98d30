package tables_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/tables"
	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

const rows = `INSERT INTO library.patron__ (__start, __end, __current, id, name, n) VALUES
	('2026-02-01Z', '9999-12-31Z', true, 1, '%s', 7), ('2026-02-01Z', '2026-03-01Z', false, 1, '%s', 6)`

const (
	one = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
	two = "00000000-0000-0000-0000-000000000000"
	// long is longer than PostgreSQL's names.
	long = "x012345678901234567890123456789012345678901234567890123456789012345678"
)

func (b *bench) alter(a tables.Alteration) (before, after *catalog.Table, err error) {
	return tables.Alter(b.t.Context(), b.tx, b.catalog(), a, slog.New(slog.NewTextHandler(&b.log, nil)))
}

// TestAlter adds columns and changes types.
func TestAlter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.table("patron", "", column("id", change.Integer), column("name", change.Text), column("n", change.SmallInt))
	const columns = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute " +
		"WHERE attrelid = 'library.zzz___patron___2026'::regclass AND attnum > 5 AND NOT attisdropped"
	const as = "id integer, name text, n smallint"
	tests := []struct {
		name, values string
		table        ident.Qualified
		add          bool
		column, to   string
		want         error
		columns      string
	}{
		{name: "add", add: true, column: "born", to: "date", columns: as + ", born date"},
		{name: "add, another spelling", add: true, column: "At", to: "TIMESTAMPTZ", columns: as + ", At timestamp with time zone"},
		{name: "add, a name to quote", add: true, column: `a "b" c`, to: "int8", columns: as + `, a "b" c bigint`},
		{name: "add, a name that is too long", add: true, column: long, to: "text", columns: as + ", " + string(ident.StoredColumn(long)) + " text"},
		{name: "add, a name as one is shortened", add: true, column: string(ident.StoredColumn(long)), to: "text", columns: as + ", " + string(ident.StoredColumn(long)) + " text"},
		{name: "add, there already", add: true, column: "name", to: "text", want: tables.ErrColumnExists},
		{name: "add, metadata", add: true, column: "__origin", to: "text", want: tables.ErrReserved},
		{name: "add, no type", add: true, column: "x", to: "txt", want: tables.ErrNoType},
		{name: "add, a type that is none of Metadb's", add: true, column: "x", to: "point", want: tables.ErrNoType},
		{name: "add, an array", add: true, column: "x", to: "text[]", want: tables.ErrNoType},
		{name: "add, a length", add: true, column: "x", to: "varchar(10)", want: tables.ErrNoType},
		{name: "add, a syntax error", add: true, column: "x", to: "int; drop table library.patron__", want: tables.ErrNoType},
		{name: "add, no table", table: main("loan"), add: true, column: "x", to: "text", want: tables.ErrNoTable},
		{name: "add, the current table", table: ident.Qualified{Schema: "library", Name: "patron"}, add: true, column: "x", to: "text", want: tables.ErrNoTable},
		{name: "retype, wider", column: "n", to: "bigint", columns: "id integer, name text, n bigint"},
		{name: "retype, the key", column: "id", to: "numeric", columns: "id numeric, name text, n smallint"},
		{name: "retype, the same", column: "n", to: "int2", columns: as},
		{name: "retype, narrower", column: "id", to: "smallint", want: tables.ErrNarrowing},
		{name: "retype, no column", column: "N", to: "text", want: tables.ErrNoColumn},
		{name: "retype, metadata", column: "__id", to: "numeric", want: tables.ErrReserved},
		{name: "retype, no table", table: main("loan"), column: "n", to: "text", want: tables.ErrNoTable},
		{name: "uuid", values: one + "," + two, column: "name", to: "uuid", columns: "id integer, name uuid, n smallint"},
		{name: "uuid, no rows", column: "name", to: "uuid", columns: "id integer, name uuid, n smallint"},
		{name: "uuid, another text", values: one + ",x", column: "name", to: "uuid", want: tables.ErrNotUUID},
		{name: "uuid, upper case", values: strings.ToUpper(one) + "," + two, column: "name", to: "uuid", want: tables.ErrNotUUID},
		{name: "uuid, braces", values: one + ",{" + two + "}", column: "name", to: "uuid", want: tables.ErrNotUUID},
		{name: "uuid, a line after it", values: one + "," + two + "\n", column: "name", to: "uuid", want: tables.ErrNotUUID},
	}
	for _, test := range tests {
		b.try(t, test.name, func(t *testing.T) {
			if first, second, ok := strings.Cut(test.values, ","); ok {
				b.exec(fmt.Sprintf(rows, first, second))
			}
			if test.table == (ident.Qualified{}) {
				test.table = main("patron")
			}
			before, after, err := b.alter(tables.Alteration{Table: test.table, Add: test.add, Column: ident.Name(test.column), Type: test.to})
			if !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if err != nil {
				// A refusal leaves the transaction usable.
				b.texts(columns, as)
				return
			}
			b.texts(columns, test.columns)
			b.isLoaded(after)
			if (before == after) != (test.columns == as) {
				t.Errorf("changed: %v", before != after)
			}
		})
	}
}

// TestEveryPairOfTypes tries to turn a column of each type into each other one.
func TestEveryPairOfTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	columns := []change.Column{column("id", change.Integer)}
	for kind := change.Text; int(kind) < change.TypeCount; kind++ {
		columns = append(columns, column(kind.String(), kind))
	}
	b.table("patron", "", columns...)
	b.try(t, "all", func(t *testing.T) {
		for from := change.Text; int(from) < change.TypeCount; from++ {
			for to := change.Text; int(to) < change.TypeCount; to++ {
				b.exec("SAVEPOINT pair")
				_, _, err := b.alter(tables.Alteration{Table: main("patron"), Column: ident.Name(from.String()), Type: to.String()})
				safe := datatype.Widen(from, to) == to || from == change.Text && to == change.UUID
				if safe != (err == nil) || err != nil && !errors.Is(err, tables.ErrNarrowing) {
					t.Errorf("%s to %s: %v", from, to, err)
				}
				b.exec("ROLLBACK TO pair")
			}
		}
	})
}

// TestAlterKeepsValues checks that rows, history too, have their values in the
// new type, and that the log says that the table was rewritten.
func TestAlterKeepsValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.table("patron", "", column("id", change.Integer), column("name", change.Text), column("n", change.SmallInt))
	b.try(t, "retype", func(t *testing.T) {
		b.exec(fmt.Sprintf(rows, one, two))
		for _, a := range []tables.Alteration{{Column: "n", Type: "numeric"}, {Column: "n", Type: "text"}, {Column: "name", Type: "uuid"}, {Column: "name", Type: "text"}} {
			a.Table = main("patron")
			if _, _, err := b.alter(a); err != nil {
				t.Fatal(err)
			}
		}
		b.texts("SELECT concat_ws('|', __current, n, name) FROM library.patron__ ORDER BY __current", "f|6|"+two, "t|7|"+one)
		if !strings.Contains(b.log.String(), "type of column n changed") {
			t.Errorf("log: %s", b.log.String())
		}
	})
	b.try(t, "add", func(*testing.T) {
		b.exec(fmt.Sprintf(rows, one, two))
		if _, _, err := b.alter(tables.Alteration{Table: main("patron"), Add: true, Column: "born", Type: "date"}); err != nil {
			t.Fatal(err)
		}
		b.texts("SELECT concat_ws('|', __current, n, coalesce(born::text, 'null')) FROM library.patron__ ORDER BY __current", "f|6|null", "t|7|null")
	})
}

// TestAlterIsRefusedByPostgreSQL puts a view and a lock in the way. The caller gets PostgreSQL's
// errors.
func TestAlterIsRefusedByPostgreSQL(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.table("patron", "", column("id", change.Integer), column("n", change.SmallInt))
	b.try(t, "view", func(t *testing.T) {
		b.exec("CREATE VIEW public.report AS SELECT n FROM library.patron")
		_, _, err := b.alter(tables.Alteration{Table: main("patron"), Column: "n", Type: "text"})
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "0A000" || !strings.Contains(err.Error(), "view report") {
			t.Error(err)
		}
	})
	b.try(t, "lock", func(t *testing.T) {
		other, err := pgx.Connect(t.Context(), b.url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close(context.Background()) }()
		if _, err := other.Exec(t.Context(), "BEGIN; LOCK TABLE library.patron IN ACCESS SHARE MODE"); err != nil {
			t.Fatal(err)
		}
		b.exec("SET LOCAL lock_timeout = '20ms'")
		_, _, err = b.alter(tables.Alteration{Table: main("patron"), Column: "n", Type: "text"})
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "55P03" {
			t.Error(err)
		}
	})
}
