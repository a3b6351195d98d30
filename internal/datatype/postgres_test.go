package datatype_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/testkit/pgtest"
)

// connect returns a session as CastSQL describes it.
func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).ConnString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for _, setting := range []string{"timezone = 'UTC'", "datestyle = 'ISO'", "intervalstyle = 'postgres'", "bytea_output = 'hex'", "extra_float_digits = 1"} {
		if _, err := conn.Exec(t.Context(), "SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// store makes the temporary table stored (n, v) of values in their binary form.
func store(t *testing.T, conn *pgx.Conn, typ change.Type, values [][]byte) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), "DROP TABLE IF EXISTS stored"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TEMPORARY TABLE stored (n integer, v "+typ.String()+")"); err != nil {
		t.Fatal(err)
	}
	data := append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)
	for n, value := range values {
		data = append(data, 0, 2, 0, 0, 0, 4)
		data = binary.BigEndian.AppendUint32(data, uint32(n))
		data = change.AppendValue(data, value)
	}
	data = append(data, 0xff, 0xff)
	if _, err := conn.PgConn().CopyFrom(t.Context(), bytes.NewReader(data), "COPY stored FROM STDIN (FORMAT binary)"); err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
}

// texts returns the result of a query with two columns, a number and a text.
func texts(t *testing.T, conn *pgx.Conn, query string) map[int]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	answers := map[int]string{}
	for rows.Next() {
		var n int
		var text string
		if err := rows.Scan(&n, &text); err != nil {
			t.Fatal(err)
		}
		answers[n] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return answers
}

// TestPostgreSQLPrintsTheSame stores every encoded value: PostgreSQL accepts it, and prints it as
// Format and AppendJSON do.
func TestPostgreSQLPrintsTheSame(t *testing.T) {
	conn := connect(t)
	random := rand.New(rand.NewPCG(20261122, 3))
	for _, typ := range allTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			values := samples(t, typ, random)
			store(t, conn, typ, values)
			printed := texts(t, conn, "SELECT n, v::text FROM stored")
			documents := texts(t, conn, "SELECT n, to_jsonb(v)::text FROM stored")
			for n, value := range values {
				if got := format(t, typ, value); got != printed[n] {
					t.Errorf("%x: Format says %s, PostgreSQL %s", value, got, printed[n])
				}
				document := datatype.AppendJSON(nil, typ, change.Cell{Bytes: value})
				if got := format(t, change.JSONB, datatype.AppendJSONB(nil, document)); got != documents[n] {
					t.Errorf("%x: AppendJSON says %s, PostgreSQL %s", value, got, documents[n])
				}
			}
		})
	}
}

// TestKeyBytesAgreeWithPostgreSQL compares keys: the canonical bytes are the same exactly if
// PostgreSQL's = is true.
func TestKeyBytesAgreeWithPostgreSQL(t *testing.T) {
	conn := connect(t)
	random := rand.New(rand.NewPCG(20261122, 4))
	for _, typ := range allTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			values := append(extremes(typ), samples(t, typ, random)[:40]...)
			values = append(values, lookalikes(t, typ)...)
			values = values[:min(len(values), 150)]
			store(t, conn, typ, values)
			equal := texts(t, conn, "SELECT a.n * 1000 + b.n, (a.v = b.v)::text FROM stored a CROSS JOIN stored b")
			for i, a := range values {
				for j, b := range values {
					same := bytes.Equal(
						datatype.KeyBytes(nil, typ, change.Cell{Bytes: a}),
						datatype.KeyBytes(nil, typ, change.Cell{Bytes: b}))
					if fmt.Sprint(same) != equal[i*1000+j] {
						t.Errorf("%x and %x: KeyBytes says %v, PostgreSQL %s", a, b, same, equal[i*1000+j])
					}
				}
			}
		})
	}
}

// TestCastsOfPostgreSQL converts every value in every possible widening, as text does.
func TestCastsOfPostgreSQL(t *testing.T) {
	conn := connect(t)
	random := rand.New(rand.NewPCG(20261122, 5))
	for _, from := range allTypes() {
		values := samples(t, from, random)[:200]
		store(t, conn, from, values)
		for _, other := range allTypes() {
			to := datatype.Widen(from, other)
			converted := texts(t, conn, "SELECT n, ("+datatype.CastSQL("v", from, to)+")::text FROM stored")
			if len(converted) != len(values) {
				t.Errorf("%s to %s: %d of %d values", from, to, len(converted), len(values))
			}
			if to != change.Text {
				continue
			}
			for n, value := range values {
				if got := format(t, from, value); converted[n] != got {
					t.Errorf("%s to %s: PostgreSQL says %s, Format %s", from, to, converted[n], got)
				}
			}
		}
	}
}

func TestCellsWithoutValue(t *testing.T) {
	for _, typ := range allTypes() {
		if _, err := datatype.Format(typ, change.Cell{State: change.Null}); err == nil {
			t.Errorf("%s: NULL has a text", typ)
		}
		if got := string(datatype.AppendJSON(nil, typ, change.Cell{State: change.Null})); got != "null" {
			t.Errorf("%s: NULL is %s in JSON", typ, got)
		}
		null := datatype.KeyBytes(nil, typ, change.Cell{State: change.Null})
		empty := datatype.KeyBytes(nil, typ, change.Cell{Bytes: make([]byte, 16)})
		if bytes.Equal(null, empty) {
			t.Errorf("%s: NULL has the key of a value", typ)
		}
	}
}
