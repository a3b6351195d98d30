package main

import (
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
)

// TestAlterTable changes a table while its stream runs: the stream uses the changed table, and
// widens it further if necessary.
func TestAlterTable(t *testing.T) {
	const (
		first  = "00000000-0000-4000-8000-000000000001"
		second = "00000000-0000-4000-8000-000000000002"
		third  = "00000000-0000-4000-8000-000000000003"
		topic  = "metadb_sensor_1"
	)
	l, step := newLostStream(t)
	l.snapshot(topic, map[int64]string{1: first, 2: second})
	step.start()
	step.create()
	// As text, because the types of a prepared query's columns must not change.
	const rows = "SELECT id::text, name::text FROM library.patron ORDER BY id"
	step.await("SELECT count(*) FROM metadb.base_table", "[1]")
	step.await("SELECT count(*) FROM library.patron", "[2]")
	types := func(want string) {
		t.Helper()
		step.await("SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'library.patron'::regclass AND attnum > 5", want)
	}

	step.expect("alter table library.patron__ alter column name type uuid", "")
	step.expect("alter table library.patron__ alter column id type bigint", "")
	types("[bigint uuid]")
	l.write(topic, 'u', "", 1, third)
	l.write(topic, 'c', "", 3, first)
	step.await(rows, "[1 "+third+"] [2 "+second+"] [3 "+first+"]")
	types("[bigint uuid]")

	step.expect(`alter table library.patron__ add column "Later One" smallint`, "")
	l.write(topic, 'c', "", 4, second)
	l.later(topic, 5, first, 70_000)
	step.await(`SELECT id, coalesce("Later One", -1) FROM library.patron WHERE id > 3 ORDER BY id`, "[4 -1] [5 70000]")
	types("[bigint uuid integer]")

	// A value that is no UUID widens the column to text again.
	l.write(topic, 'u', "", 2, "Ada")
	step.await(rows+" LIMIT 3", "[1 "+third+"] [2 Ada] [3 "+first+"]")
	types("[bigint text integer]")
	step.await("SELECT count(*), count(*) FILTER (WHERE __current) FROM library.patron__", "[7 5]")
	step.await("SELECT count(*) FROM metadb.rejected_event", "[0]")
	step.stop()
}

// later writes an event of the table with an additional column.
func (l *library) later(prefix string, id int64, name string, value int64) {
	l.t.Helper()
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: prefix, Schema: "library", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name"}, {Name: "Later One", Kind: eventgen.Integer}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.lsn++
	record, err := encoder.Encode(eventgen.Change{Op: 'c', Row: []any{id, name, value}, LSN: l.lsn, Time: time.Date(2026, 3, 1, 0, 0, int(l.lsn), 0, time.UTC)})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.producer.Write(l.t.Context(), record); err != nil {
		l.t.Fatal(err)
	}
}
