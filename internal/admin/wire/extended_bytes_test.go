package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// These are short names for tables of messages.
type (
	parse      = pgproto3.Parse
	bind       = pgproto3.Bind
	describe   = pgproto3.Describe
	execute    = pgproto3.Execute
	closing    = pgproto3.Close
	syncing    = pgproto3.Sync
	flush      = pgproto3.Flush
	ready      = pgproto3.ReadyForQuery
	failedWith = pgproto3.ErrorResponse
	messages   = []pgproto3.FrontendMessage
)

// TestExtendedByteForByte compares the raw answers to pipelines of extended messages. Each begins
// in the state in which the previous one ended.
func TestExtendedByteForByte(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	through, direct := p.pair(t)
	for _, pipeline := range []messages{
		{&syncing{}},
		{&flush{}, &syncing{}},
		{&syncing{}, &syncing{}, &syncing{}},
		{&parse{}, &bind{}, &execute{}, &syncing{}},
		{&parse{Query: "select 1"}, &bind{}, &describe{ObjectType: 'P'}, &execute{}, &syncing{}},
		{&parse{Name: "s", Query: "select $1::int, $2"}, &describe{ObjectType: 'S', Name: "s"}, &syncing{}},
		{&parse{Name: "s", Query: "select 2"}, &execute{}, &syncing{}},
		{&bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("1"), nil}}, &execute{}, &syncing{}},
		{&bind{PreparedStatement: "s", Parameters: [][]byte{{0, 0, 0, 7}, []byte("b")}, ParameterFormatCodes: []int16{1, 0}, ResultFormatCodes: []int16{1, 0}}, &describe{ObjectType: 'P'}, &execute{}, &syncing{}},
		{&bind{PreparedStatement: "s"}, &execute{}, &syncing{}},
		{&bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("x"), nil}}, &execute{}, &parse{Query: "select 1"}, &syncing{}},
		{&bind{PreparedStatement: "none"}, &flush{}, &execute{}, &syncing{}},
		{&execute{Portal: "none"}, &syncing{}},
		{&describe{ObjectType: 'S', Name: "none"}, &syncing{}},
		{&describe{ObjectType: 'P', Name: "none"}, &syncing{}},
		{&closing{ObjectType: 'S', Name: "none"}, &closing{ObjectType: 'P', Name: "none"}, &syncing{}},
		// These have row limits, and portals that live as long as the transaction.
		{&parse{Query: "select generate_series(1, 5)"}, &bind{DestinationPortal: "c"}, &execute{Portal: "c", MaxRows: 2}, &execute{Portal: "c", MaxRows: 2}, &execute{Portal: "c", MaxRows: 2}, &execute{Portal: "c"}, &syncing{}},
		{&execute{Portal: "c"}, &syncing{}},
		{&pgproto3.Query{String: "begin"}},
		{&parse{Query: "select generate_series(1, 5)"}, &bind{DestinationPortal: "d"}, &execute{Portal: "d", MaxRows: 1}, &syncing{}},
		{&execute{Portal: "d", MaxRows: 3}, &flush{}, &syncing{}, &bind{DestinationPortal: "d"}, &syncing{}},
		{&execute{Portal: "d"}, &syncing{}},
		{&pgproto3.Query{String: "rollback"}},
		// An error skips to the next Sync, and rolls back the messages since the previous one.
		{&parse{Query: "create table made ()"}, &bind{}, &execute{}, &parse{Query: "select 1/0"}, &bind{}, &execute{}, &parse{Query: "select 1"}, &bind{}, &syncing{}, &parse{Query: "select to_regclass('made')"}, &bind{}, &execute{}, &syncing{}},
		{&parse{Query: "select 1; select 2"}, &syncing{}},
		{&parse{Query: "selec"}, &describe{ObjectType: 'S'}, &syncing{}},
		{&parse{Query: "begin"}, &bind{}, &execute{}, &syncing{}, &parse{Query: "select 1/0"}, &bind{}, &execute{}, &syncing{}, &parse{Query: "select 1"}, &bind{}, &execute{}, &syncing{}, &parse{Query: "commit"}, &bind{}, &execute{}, &syncing{}},
		{&parse{Query: "insert into nowhere values ($1)", ParameterOIDs: []uint32{25}}, &bind{}, &syncing{}},
		{&parse{Query: "select $1", ParameterOIDs: []uint32{999999}}, &syncing{}},
		{&parse{Query: "set datestyle = 'german'"}, &bind{}, &describe{ObjectType: 'P'}, &execute{}, &syncing{}},
		{&parse{Query: "do $$ begin raise notice 'x'; end $$"}, &bind{}, &execute{}, &execute{}, &syncing{}},
		{&parse{Query: "copy (select generate_series(1, 3)) to stdout"}, &bind{}, &describe{ObjectType: 'P'}, &execute{}, &syncing{}},
		{&parse{Query: "create temp table c (a int)"}, &bind{}, &execute{}, &syncing{}},
		{&parse{Query: "copy c from stdin"}, &bind{}, &execute{}, &pgproto3.CopyData{Data: []byte("1\n2\n")}, &pgproto3.CopyDone{}, &syncing{}},
		{&parse{Query: "copy c from stdin"}, &bind{}, &execute{}, &pgproto3.CopyData{Data: []byte("x\n")}, &pgproto3.CopyDone{}, &syncing{}},
		{&parse{Query: "select count(*) from c"}, &bind{ResultFormatCodes: []int16{1}}, &execute{}, &syncing{}, &pgproto3.Query{String: "select 'between'"}, &parse{Query: "select 3"}, &bind{}, &execute{}, &syncing{}},
		{&closing{ObjectType: 'S', Name: "s"}, &bind{PreparedStatement: "s"}, &syncing{}},
	} {
		same(t, through, direct, pipeline...)
	}
}

// TestEveryType compares NULL and sample values of every type of PostgreSQL, as text and binary.
// Types without a simple text form have NULL only.
func TestEveryType(t *testing.T) {
	t.Parallel()
	p := open(t, withSuper)
	rows, err := p.Pool.Query(t.Context(), "select oid::regtype::text from pg_type where typtype in ('b', 'c', 'd', 'e', 'r', 'm') order by oid")
	if err != nil {
		t.Fatal(err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(types) < 300 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	through, direct := p.pair(t)
	given, valid := samples(), 0
	for _, typ := range types {
		values := []string{"null"}
		for _, text := range append([]string{"1", "x", "{}", "()"}, given[typ]...) {
			values = append(values, "'"+strings.ReplaceAll(text, "'", "''")+"'")
		}
		for _, value := range values {
			query := fmt.Sprintf("select %s::%s as a, array[%[1]s::%[2]s] as b", value, typ)
			if strings.HasSuffix(typ, "[]") || strings.HasSuffix(typ, "vector") {
				query = fmt.Sprintf("select %s::%s as a", value, typ)
			}
			same(t, through, direct, &pgproto3.Query{String: query})
			answer := same(t, through, direct, &parse{Query: query}, &bind{ResultFormatCodes: []int16{1}}, &describe{ObjectType: 'P'}, &execute{}, &syncing{})
			if strings.Contains(string(answer), "SELECT 1") && value != "null" {
				valid++
			}
		}
	}
	const enough = 400
	if valid < enough {
		t.Errorf("%d values of %d types: the samples are too poor", valid, len(types))
	}
}

// samples returns values of types for which "1", "x", "{}" and "()" are invalid or uninteresting.
func samples() map[string][]string {
	return map[string][]string{
		"boolean": {"t", "off"}, "bytea": {`\x00ff10`, "abc"}, "smallint": {"-32768"}, "integer": {"2147483647"}, "bigint": {"-9223372036854775808"},
		"numeric": {"-0.000100", "NaN", "Infinity", "123456789012345678901234567890.5"}, "real": {"1e-10", "NaN"}, "double precision": {"-Infinity", "0.1"},
		"money": {"$1,234.56"}, "text": {"", "ä€😀\n\t"}, "character": {"ab"}, "json": {`{"a": [1, null, "ä"]}`}, "jsonb": {`{"b": 1.50, "a": {}}`},
		"jsonpath": {"$.a[*]"}, "xml": {"<a/>"}, "uuid": {"00000000-0000-0000-0000-0000000000ff"}, "date": {"4713-01-01 BC", "infinity", "2026-11-23"},
		"time without time zone": {"23:59:59.999999", "24:00"}, "time with time zone": {"01:02:03+14:30"},
		"timestamp without time zone": {"294276-12-31 23:59:59.999999", "-infinity"}, "timestamp with time zone": {"2026-11-23 06:00:00.123456+01"},
		"interval": {"1 year -2 mons 3 days -04:05:06.7"}, "point": {"(1,2)"}, "lseg": {"[(1,2),(3,4)]"}, "path": {"((1,2),(3,4))", "[(1,2)]"},
		"box": {"(1,2),(3,4)"}, "polygon": {"((1,2),(3,4),(5,6))"}, "line": {"{1,2,3}"}, "circle": {"<(1,2),3>"}, "inet": {"::1/64", "10.0.0.1"},
		"cidr": {"10.0.0.0/8"}, "macaddr": {"08:00:2b:01:02:03"}, "macaddr8": {"08:00:2b:01:02:03:04:05"}, "bit": {"0"}, "bit varying": {"1010101"},
		"tsvector": {"a:1A b:2"}, "tsquery": {"a & !b <-> c"}, "int4range": {"[1,5)", "empty", "(,)"}, "int4multirange": {"{[1,2),[5,9)}"},
		"numrange": {"(1.5,)"}, "tstzrange": {"[2026-01-01,)"}, "daterange": {"[2026-01-01,2026-02-01]"}, "pg_lsn": {"16/B374D848"}, "tid": {"(1,2)"},
		"txid_snapshot": {"10:20:10,14"}, "pg_snapshot": {"10:20:10,14"}, "regclass": {"pg_type"}, "regtype": {"int4"}, "regproc": {"now"},
		"aclitem": {"=r/postgres"}, "integer[]": {"{1,NULL,3}", "[2:3]={1,2}", "{{1,2},{3,4}}"}, "text[]": {`{"a,b",NULL,"\""}`},
		"oidvector": {"1 2"}, "int2vector": {"1 2"}, "refcursor": {"c"}, "name": {"n"},
	}
}
