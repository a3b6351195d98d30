package apply_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
)

// TestNameConflict checks that the events of a table are rejected while another object has one of
// its names, that other tables are applied, and that the events can be retried when the object has
// been dropped.
func TestNameConflict(t *testing.T) {
	for _, foreign := range []string{
		"VIEW library.patron AS SELECT 1 AS one", "TABLE library.patron__ (x integer)", "TYPE library.patron AS (x integer)",
		"TYPE library.patron AS ENUM ('x')", "DOMAIN library.patron AS integer", "TYPE library.patron__ AS RANGE (subtype = integer)",
		"SEQUENCE library.zzz___patron___", "DOMAIN library.zzz___patron___1970 AS text",
	} {
		r := newRig(t)
		if _, err := r.db.Pool.Exec(t.Context(), "CREATE SCHEMA library; CREATE "+foreign); err != nil {
			t.Fatal(err)
		}
		other := put(1, "x", 10)
		other.Table.Name, other.Source.Name = "item", "item"
		out := r.apply(recorded("1", put(1, "a", 10)), other, recorded("1", put(1, "b", 20)))
		if out.Applied != 1 || out.Rejected != 2 || len(out.Refusals) != 1 || !strings.Contains(out.Refusals[0], "is not Metadb's") {
			t.Errorf("%s: %+v", foreign, out)
		}
		if got := r.rows("SELECT id, v FROM library.item"); got != "1 x" {
			t.Errorf("%s: the other table has %s", foreign, got)
		}
		kind, name, _ := strings.Cut(strings.Join(strings.Fields(foreign)[:2], " "), " ")
		if _, err := r.db.Pool.Exec(t.Context(), "DROP "+kind+" "+name); err != nil {
			t.Fatal(err)
		}
		whole := map[int64]change.Event{0: recorded("1", put(1, "a", 10)), 2: recorded("1", put(1, "b", 20))}
		if out := r.retry(whole); out.Rejected != 0 {
			t.Errorf("%s: %+v", foreign, out)
		}
		if got := r.versions(); got != "1 a 10 20\n1 b 20 -" {
			t.Errorf("%s: got %s", foreign, got)
		}
	}
}

// TestTooManyColumns checks the limit of 1600 columns, of which PostgreSQL counts dropped ones too:
// an event that needs one more is rejected, and an event that needs no new column is applied.
func TestTooManyColumns(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10))
	_, err := r.db.Pool.Exec(t.Context(), `
		DO $$ BEGIN
			FOR i IN 1..16 LOOP
				EXECUTE (SELECT 'ALTER TABLE library.patron__ ' || string_agg(format('ADD COLUMN x%s int', n), ', ') FROM generate_series(1, 99) n);
				EXECUTE (SELECT 'ALTER TABLE library.patron__ ' || string_agg(format('DROP COLUMN x%s', n), ', ') FROM generate_series(1, 99) n);
			END LOOP;
			FOR i IN 1..9 LOOP
				ALTER TABLE library.patron__ ADD COLUMN x int;
				ALTER TABLE library.patron__ DROP COLUMN x;
			END LOOP;
		END $$`)
	if err != nil {
		t.Fatal(err)
	}
	wider := put(2, "b", 20)
	columns := append(slices.Clone(shape.Columns), change.Column{Name: "w", Type: change.Text})
	wider.Shape, wider.Row = &change.Shape{Columns: columns, Key: shape.Key}, cellText(wider.Row, "w")
	out := r.apply(wider)
	if out.Rejected != 1 || len(out.Refusals) != 1 || !strings.Contains(out.Refusals[0], "1600 columns") {
		t.Errorf("%+v", out)
	}
	if out := r.apply(put(1, "c", 30)); out.Applied != 1 || out.Rejected != 0 {
		t.Errorf("%+v", out)
	}
	if got := r.versions(); got != "1 a 10 30\n1 c 30 -" {
		t.Errorf("got %s", got)
	}
}

// TestRowTooLong checks that a row is rejected if it fits into no page, or into the table but not
// with the columns that Metadb adds, and that the other rows of the batch are applied. Each
// strategy either writes or rejects a row.
func TestRowTooLong(t *testing.T) {
	for _, uuids := range []int{490, 505, 1500} {
		r := newRig(t)
		wide := func(id int32, at change.Micros) change.Event {
			e := put(id, "", at)
			columns := slices.Clone(shape.Columns[:1])
			e.Row = cellInt(nil, id)
			for n := range uuids {
				columns = append(columns, change.Column{Name: fmt.Sprint("u", n), Type: change.UUID})
				e.Row = change.AppendValue(e.Row, binary.BigEndian.AppendUint64(make([]byte, 8), uint64(at)))
			}
			e.Shape = &change.Shape{Columns: columns, Key: []int{0}}
			return e
		}
		small := func(id int32, at change.Micros) change.Event {
			e := wide(id, at)
			e.Row = cellInt(nil, id)
			for range uuids {
				e.Row = change.AppendNull(e.Row)
			}
			return e
		}
		sent, rejected := 0, 0
		for i, batch := range [][]change.Event{
			{small(1, 10), wide(2, 10)},
			{wide(1, 20), small(3, 20)},
			{wide(1, 30), wide(1, 40), small(2, 40)},
			{wide(3, 50)},
		} {
			out := r.apply(batch...)
			if sent += len(batch); out.Applied+out.Rejected != len(batch) {
				t.Errorf("%d columns, batch %d: %d applied, %d rejected of %d", uuids, i, out.Applied, out.Rejected, len(batch))
			}
			rejected += out.Rejected
		}
		got := r.rows("SELECT (SELECT count(*) FROM library.patron__), (SELECT count(*) FROM metadb.rejected_event WHERE kind = 'value' AND reason LIKE 'row is too big%')")
		if want := fmt.Sprint(sent-rejected, rejected); got != want {
			t.Errorf("%d columns: versions and rejected events are %s, want %s", uuids, got, want)
		}
		if uuids == 1500 && rejected != 5 || uuids == 490 && rejected != 0 {
			t.Errorf("%d columns: %d are rejected", uuids, rejected)
		}
	}
}
