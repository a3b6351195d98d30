package datatype_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/pgtest"
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

// texts returns what a query of two columns, a number and a text, answers.
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

// samples returns values of a type in their binary form: its extremes and
// random ones.
func samples(t *testing.T, typ change.Type, random *rand.Rand) [][]byte {
	t.Helper()
	var values [][]byte
	add := func(value []byte, err error) {
		if err == nil {
			values = append(values, value)
		}
	}
	for range 1000 {
		switch typ {
		case change.Text:
			add([]byte(string(rune(1+random.IntN(0xd000)))+"\"\\\n"), nil)
		case change.Boolean:
			add([]byte{byte(random.IntN(2))}, nil)
		case change.SmallInt:
			add(binary.BigEndian.AppendUint16(nil, uint16(random.Uint32())), nil)
		case change.Integer:
			add(binary.BigEndian.AppendUint32(nil, random.Uint32()), nil)
		case change.BigInt:
			add(binary.BigEndian.AppendUint64(nil, random.Uint64()>>random.IntN(64)), nil)
		case change.Real:
			add(binary.BigEndian.AppendUint32(nil, random.Uint32()), nil)
			add(binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(random.IntN(1e6))/100)), nil)
		case change.Double:
			add(binary.BigEndian.AppendUint64(nil, random.Uint64()), nil)
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(random.IntN(1e9))/1000)), nil)
		case change.Numeric:
			add(datatype.AppendNumericInt(nil, int64(random.Uint64())>>random.IntN(64), random.IntN(40)-10))
			wide := new(big.Int).Lsh(big.NewInt(int64(random.Uint64())), uint(random.IntN(300)))
			add(datatype.AppendNumericBig(nil, wide, random.IntN(80)-20))
		case change.Date:
			add(datatype.AppendDate(nil, random.Int64N(2147483493)-2440588))
			add(datatype.AppendDate(nil, random.Int64N(1000000)-500000))
		case change.Time:
			add(datatype.AppendTime(nil, random.Int64N(86400000001)))
		case change.TimeTZ:
			add(datatype.AppendTimeTZ(nil, random.Int64N(86400000001), random.IntN(115199)-57599))
		case change.Timestamp, change.TimestampTZ:
			add(datatype.AppendTimestamp(nil, int64(random.Uint64())>>random.IntN(20)))
		case change.Interval:
			add(datatype.AppendInterval(nil, int64(random.Uint64())>>random.IntN(64), int32(random.Uint32())>>random.IntN(32), int32(random.Uint32())>>random.IntN(32)), nil)
		case change.UUID:
			value := make([]byte, 16)
			binary.BigEndian.PutUint64(value, random.Uint64())
			binary.BigEndian.PutUint64(value[8:], random.Uint64())
			add(value, nil)
		case change.JSONB:
			add(datatype.AppendJSONB(nil, fmt.Appendf(nil, `{"b": [%d, %d.50, -0.0, 1e%d, null], "a": {"": "é\u%04x\n\u001f", "zz": true, "y": {}}, "b": []}`,
				random.Int64(), random.Uint32(), random.IntN(40)-20, 1+random.IntN(0xd000))), nil)
		case change.Bytea:
			add(binary.BigEndian.AppendUint64(nil, random.Uint64())[:random.IntN(9)], nil)
		}
	}
	return append(values, extremes(typ)...)
}

// extremes returns the values of a type that are most likely to be wrong.
func extremes(typ change.Type) [][]byte {
	var values [][]byte
	add := func(value []byte, err error) {
		if err == nil {
			values = append(values, value)
		}
	}
	switch typ {
	case change.Real:
		for _, f := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-4, 1e-5, 999999, 1e6, math.MaxFloat32, math.SmallestNonzeroFloat32, 1 << 24, 1<<24 + 2, 8.5899346e9, 9.8e9} {
			add(binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(f))), nil)
		}
	case change.Double:
		for _, f := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-4, 1e-5, 999999999999999, 1e15, math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53, 1e22, 1e23, 9.5e22, 2e23, 8.5e22, 5e-324, 9007199254740993} {
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(f)), nil)
		}
		for exponent := range 400 {
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Pow(10, float64(exponent-100)))), nil)
			add(binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Ldexp(1, exponent-100))), nil)
		}
	case change.Numeric:
		add(datatype.AppendNumericNaN(nil), nil)
		add(datatype.AppendNumericInf(nil, false), nil)
		add(datatype.AppendNumericInf(nil, true), nil)
		for _, text := range []string{"0", "0.000", "-0.00", "1", "1.0", "10000", "0.0001", "0.00001", "99999.99990", "1e10", "1.5e-3", "12e+3", "-1234567890123456789.0123456789"} {
			add(datatype.AppendNumericText(nil, text))
		}
		add(datatype.AppendNumericInt(nil, 1, 16383))
		add(datatype.AppendNumericInt(nil, -7, -131071))
	case change.Date:
		add(datatype.AppendDateInfinity(nil, datatype.PositiveInfinity), nil)
		add(datatype.AppendDateInfinity(nil, datatype.NegativeInfinity), nil)
		for _, days := range []int64{-2440588, 2145042905, -719162, -719163, -719528, 0, -1} {
			add(datatype.AppendDate(nil, days))
		}
	case change.Timestamp, change.TimestampTZ:
		add(datatype.AppendTimestampInfinity(nil, datatype.PositiveInfinity), nil)
		add(datatype.AppendTimestampInfinity(nil, datatype.NegativeInfinity), nil)
		add(datatype.AppendTimestampParts(nil, datatype.DaysOf(294276, 12, 31), 86399999999))
		add(datatype.AppendTimestampParts(nil, datatype.DaysOf(-4713, 11, 24), 0))
		add(datatype.AppendTimestampParts(nil, datatype.DaysOf(0, 12, 31), 86399999999))
		add(datatype.AppendTimestamp(nil, -1))
	case change.Interval:
		for _, parts := range [][3]int64{{0, 0, 0}, {-1, 0, 0}, {1, -1, 0}, {0, 1, -1}, {0, -1, 1}, {-1, -1, -1}, {3600000000, 1, 12}, {math.MaxInt64, math.MaxInt32, math.MaxInt32}, {math.MinInt64 + 1, math.MinInt32, math.MinInt32}, {0, 0, -13}, {0, 5, -12}} {
			add(datatype.AppendInterval(nil, parts[0], int32(parts[1]), int32(parts[2])), nil)
		}
	}
	return values
}

// PostgreSQL takes every value that is encoded here, and prints it as Format
// and AppendJSON do.
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

// Keys have the same canonical bytes where PostgreSQL's = says that they are
// equal, and others where it does not.
func TestKeyBytesAgreeWithPostgreSQL(t *testing.T) {
	conn := connect(t)
	random := rand.New(rand.NewPCG(20261122, 4))
	for _, typ := range allTypes() {
		if typ == change.JSONB {
			continue // taken byte by byte
		}
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

// lookalikes returns values that are equal though they are written differently.
func lookalikes(t *testing.T, typ change.Type) [][]byte {
	t.Helper()
	var values [][]byte
	switch typ {
	case change.Numeric:
		for _, text := range []string{"1", "1.0", "1.00", "100", "1e2", "0", "-0.0", "0.000"} {
			value, err := datatype.AppendNumericText(nil, text)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	case change.Interval:
		for _, parts := range [][3]int64{{0, 30, 0}, {0, 0, 1}, {86400000000, 29, 0}, {-86400000000, 31, 0}, {0, -30, 2}, {1, 0, 1}, {2592000000000, 0, 0}, {-1, 0, 0}, {86399999999, -1, 0}} {
			values = append(values, datatype.AppendInterval(nil, parts[0], int32(parts[1]), int32(parts[2])))
		}
	case change.Double:
		values = append(values, binary.BigEndian.AppendUint64(nil, math.Float64bits(math.NaN())|1<<63))
	}
	return values
}

// Every widening that can happen converts every value, as text does.
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

// FuzzFormat prints any bytes as any type.
func FuzzFormat(f *testing.F) {
	f.Add(uint8(change.Numeric), []byte{0, 1, 0, 0, 0, 0, 0, 2, 0, 1})
	f.Add(uint8(change.JSONB), []byte("\x01{\"a\":[1,2.50]}"))
	f.Add(uint8(change.Interval), make([]byte, 16))
	f.Fuzz(func(_ *testing.T, kind uint8, value []byte) {
		typ := change.Type(kind%uint8(change.TypeCount-1)) + 1
		cell := change.Cell{Bytes: value}
		if _, err := datatype.Format(typ, cell); err == nil {
			datatype.AppendJSON(nil, typ, cell)
		}
		datatype.KeyBytes(nil, typ, cell)
	})
}

// FuzzNumericText reads any text as a number.
func FuzzNumericText(f *testing.F) {
	for _, seed := range []string{"1", "-0.50", "1e400", "1.5E-3", "", ".", "1e", "+-1", "00012.30"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := datatype.AppendNumericText(nil, text)
		if err != nil {
			return
		}
		printed, err := datatype.Format(change.Numeric, change.Cell{Bytes: value})
		if err != nil {
			t.Fatal(err)
		}
		again, err := datatype.AppendNumericText(nil, printed)
		if err != nil || !bytes.Equal(again, value) {
			t.Fatalf("%s is printed as %s, which is another number", text, printed)
		}
	})
}
