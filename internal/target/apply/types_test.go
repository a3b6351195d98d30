package apply_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// typed has the column types, each with a value that a conversion to another type could change.
var typed = []struct {
	typ   change.Type
	value string
}{
	{change.Text, "Grüße"},
	{change.Boolean, "true"},
	{change.SmallInt, "-32768"},
	{change.Integer, "2147483647"},
	{change.BigInt, "9007199254740993"},
	{change.Real, "0.1"},
	{change.Double, "0.30000000000000004"},
	{change.Numeric, "123456789012345678901234567890.50"},
	{change.Date, "0044-03-15 BC"},
	{change.Time, "24:00:00"},
	{change.TimeTZ, "23:59:59.999999+05:45"},
	{change.Timestamp, "infinity"},
	{change.TimestampTZ, "10000-01-02 03:04:05.678901+00"},
	{change.Interval, "-1 year -2 mons +3 days 04:05:06.7"},
	{change.UUID, "0fc5b4ba-5a0b-4b0e-8f57-3f0ab94d6e53"},
	{change.JSONB, `{"a": [1.10, null]}`},
	{change.Bytea, `\x00ff`},
}

// widened is the table of docs/spec/02-types.md#schema-changes, by stored and arriving type. Any
// other pair becomes text.
var widened = map[change.Type]map[change.Type]change.Type{
	change.SmallInt: {
		change.Integer: change.Integer, change.BigInt: change.BigInt,
		change.Real: change.Double, change.Double: change.Double, change.Numeric: change.Numeric,
	},
	change.Integer: {
		change.SmallInt: change.Integer, change.BigInt: change.BigInt,
		change.Real: change.Double, change.Double: change.Double, change.Numeric: change.Numeric,
	},
	change.BigInt: {
		change.SmallInt: change.BigInt, change.Integer: change.BigInt,
		change.Real: change.Numeric, change.Double: change.Numeric, change.Numeric: change.Numeric,
	},
	change.Real: {
		change.SmallInt: change.Double, change.Integer: change.Double, change.BigInt: change.Numeric,
		change.Double: change.Double, change.Numeric: change.Numeric,
	},
	change.Double: {
		change.SmallInt: change.Double, change.Integer: change.Double, change.BigInt: change.Numeric,
		change.Real: change.Double, change.Numeric: change.Numeric,
	},
	change.Numeric: {
		change.SmallInt: change.Numeric, change.Integer: change.Numeric, change.BigInt: change.Numeric,
		change.Real: change.Numeric, change.Double: change.Numeric,
	},
}

// countAlters makes PostgreSQL store each ALTER TABLE of a main table, except in the transaction
// that creates the table, where its partitions are attached.
const countAlters = `
	CREATE TABLE public.noted (tag text, name text, xact xid8);
	CREATE VIEW public.altered AS
		SELECT name, xact FROM public.noted a WHERE tag = 'ALTER TABLE'
			AND NOT EXISTS (SELECT FROM public.noted c WHERE c.tag = 'CREATE TABLE' AND c.name = a.name AND c.xact = a.xact);
	CREATE FUNCTION public.note_alter() RETURNS event_trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.noted
			SELECT command_tag, object_identity, pg_current_xact_id() FROM pg_event_trigger_ddl_commands()
				WHERE object_type = 'table' AND object_identity LIKE '%\_\_' AND object_identity NOT LIKE '%zzz\_\_\_%';
	END $$;
	CREATE EVENT TRIGGER note_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE') EXECUTE FUNCTION public.note_alter()`

// mostAlters returns how often a transaction has altered one table, at most.
const mostAlters = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM public.altered GROUP BY name, xact) AS t"

// TestEveryPairOfTypes gives a column of each type values of each other type, and then of its own
// again. Wherever the stream is cut, the column must have the type of
// docs/spec/02-types.md#schema-changes, no value may be lost, and no table may be altered twice in
// a transaction.
func TestEveryPairOfTypes(t *testing.T) {
	t.Parallel()
	cuts := map[string][]int{"one batch": {3}, "each": {1, 1, 1}, "before": {1, 2}, "behind": {2, 1}}
	if testing.Short() {
		cuts = map[string][]int{"before": {1, 2}}
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			conn, err := r.connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			if _, err := conn.Exec(t.Context(), countAlters+"; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'"); err != nil {
				t.Fatal(err)
			}
			rounds := pairRounds(t, conn)
			for _, n := range cut {
				out := r.apply(slices.Concat(rounds[:n]...)...)
				if out.Rejected > 0 {
					t.Fatalf("%+v", out.Rejections)
				}
				rounds = rounds[n:]
			}
			for a := range typed {
				for b := range typed {
					checkPair(t, conn, a, b)
				}
			}
			if got := r.rows(mostAlters); got > "1" {
				t.Errorf("a transaction altered a table %s times", got)
			}
		})
	}
}

func pairTable(a, b int) change.Table {
	return change.Table{Schema: "pairs", Name: fmt.Sprintf("t_%d_%d", a, b)}
}

// pairRounds returns three rows for a table of each pair of types: of the first type, of the
// second, and of the first again.
func pairRounds(t *testing.T, conn *pgx.Conn) [][]change.Event {
	t.Helper()
	values := make([][]byte, len(typed))
	for i, of := range typed {
		rows, err := conn.Query(t.Context(), "SELECT '"+of.value+"'::"+of.typ.String(), pgx.QueryResultFormats{pgx.BinaryFormatCode})
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values[i] = bytes.Clone(rows.RawValues()[0])
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	rounds := make([][]change.Event, 3)
	for a := range typed {
		for b := range typed {
			for round, of := range []int{a, b, a} {
				e := put(int32(round+1), "", change.Micros(10*(round+1)))
				e.Table, e.Source = pairTable(a, b), pairTable(a, b)
				e.Shape = &change.Shape{Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: typed[of].typ}}, Key: []int{0}}
				e.Row = change.AppendValue(cellInt(nil, int32(round+1)), values[of])
				rounds[round] = append(rounds[round], e)
			}
		}
	}
	return rounds
}

// checkPair compares the type and the values of a table with the specification.
func checkPair(t *testing.T, conn *pgx.Conn, a, b int) {
	t.Helper()
	stored, arriving := typed[a].typ, typed[b].typ
	want := stored
	if stored != arriving {
		var number bool
		if want, number = widened[stored][arriving]; !number {
			want = change.Text
		}
	}
	expect := func(of int) string {
		value := "'" + typed[of].value + "'::" + typed[of].typ.String()
		if isFloat := typed[of].typ == change.Real || typed[of].typ == change.Double; isFloat && want == change.Numeric {
			value = "(" + value + ")::text"
		}
		return "((" + value + ")::" + want.String() + ")::text"
	}
	sql := "SELECT pg_typeof(v)::text, v::text, " + expect(a) + ", " + expect(b) + " FROM pairs." + pairTable(a, b).Name + " ORDER BY id"
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Errorf("%s, then %s: %v", stored, arriving, err)
		return
	}
	var typ, value, ofA, ofB string
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&typ, &value, &ofA, &ofB}, func() error {
		expected := ofA
		if n == 1 {
			expected = ofB
		}
		if n++; typ != want.String() || value != expected {
			t.Errorf("%s, then %s: row %d is %s %s, want %s %s", stored, arriving, n, typ, value, want, expected)
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%s, then %s: %d rows, %v", stored, arriving, n, err)
	}
}

// TestManyColumnsAtOnce adds three hundred columns at once and then changes their types at once.
// Each must take one ALTER TABLE, and the log must have its duration.
func TestManyColumnsAtOnce(t *testing.T) {
	r := newRig(t)
	if _, err := r.db.Pool.Exec(t.Context(), countAlters); err != nil {
		t.Fatal(err)
	}
	wide := func(id int32, v string, typ change.Type, at change.Micros) change.Event {
		e := put(id, v, at)
		columns := slices.Clone(shape.Columns)
		row := bytes.Clone(e.Row)
		for i := range 300 {
			columns = append(columns, change.Column{Name: fmt.Sprintf("c%d", i), Type: typ})
			switch typ {
			case change.Integer:
				row = cellInt(row, int32(i))
			default:
				row = cellText(row, fmt.Sprintf("t%d", i))
			}
		}
		e.Shape, e.Row = &change.Shape{Columns: columns, Key: []int{0}}, row
		return e
	}
	r.apply(put(1, "a", 10))
	r.apply(wide(2, "b", change.Integer, 20), put(3, "c", 20))
	r.apply(wide(4, "d", change.Integer, 30), wide(5, "e", change.Text, 30), wide(6, "f", change.Integer, 30))
	want := "1 a <nil> <nil>\n2 b 0 299\n3 c <nil> <nil>\n4 d 0 299\n5 e t0 t299\n6 f 0 299"
	if got := r.rows("SELECT id, v, c0, c299 FROM library.patron ORDER BY id"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := r.rows("SELECT count(*), count(DISTINCT xact) FROM public.altered"); got != "2 2" {
		t.Errorf("altered %s times", got)
	}
	if line := "type of column c299 changed from integer to text"; !strings.Contains(r.log.String(), line) || !strings.Contains(r.log.String(), "duration=") {
		t.Errorf("the log lacks %q: %s", line, r.log)
	}
}
