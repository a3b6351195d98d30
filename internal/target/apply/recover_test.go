package apply_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"metadb/internal/change"
)

// TestStageOfRejectedEvent checks that the temporary table that was created for a rejected event is
// created again for the next event.
func TestStageOfRejectedEvent(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "a", 10), put(1, "b", 20))
	if err := r.applier.Close(t.Context()); err != nil { // a new session has no temporary tables
		t.Fatal(err)
	}
	for range 3 {
		if out := r.apply(put(1, "x\x00y", 30)); out.Rejected != 1 {
			t.Errorf("outcome: %+v", out)
		}
	}
	r.apply(put(1, "c", 40))
	if got, want := r.versions(), "1 a 10 20\n1 b 20 40\n1 c 40 -\n2 a 10 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRejectedAmongMany checks that among many events exactly the faulty ones are rejected,
// wherever they are, and that the other events of their keys are applied in order.
func TestRejectedAmongMany(t *testing.T) {
	r := newRig(t)
	var events []change.Event
	bad := map[int]bool{0: true, 7: true, 8: true, 63: true, 99: true}
	for i := range 100 {
		v := fmt.Sprint("v", i)
		if bad[i] {
			v += "\x00"
		}
		events = append(events, put(int32(i%10), v, change.Micros(10+i)))
	}
	out := r.apply(events...)
	if out.Applied != 95 || out.Rejected != len(bad) || out.Written != 95 {
		t.Errorf("outcome: %+v", out)
	}
	if got, want := r.rows(`SELECT "offset" FROM metadb.rejected_event ORDER BY "offset"`), "0\n7\n8\n63\n99"; got != want {
		t.Errorf("rejected: got %q, want %q", got, want)
	}
	wrong := r.rows(`SELECT id, v FROM (SELECT id, v, __current, __end, lead(__start) OVER key AS next,
			extract(epoch FROM __start) - 10 = substr(v, 2)::int AS timely FROM library.patron__ WINDOW key AS (PARTITION BY id ORDER BY __start, __id)) p
		WHERE NOT timely OR __current <> (next IS NULL) OR NOT __current AND __end <> next`)
	if wrong != "" {
		t.Errorf("versions out of order: %s", wrong)
	}
}

// TestInsertNewMeetsKeys checks that no row is lost if the table has only had new keys so far,
// which are copied directly, and then gets an existing one.
func TestInsertNewMeetsKeys(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "b", 10))
	r.apply(put(3, "c", 20), put(4, "d", 20))
	r.apply(put(5, "e", 30), put(2, "x", 30), put(1, "a", 30))
	r.apply(put(6, "f", 40), put(5, "e", 40))
	if got, want := r.versions(), "1 a 10 -\n2 b 10 30\n2 x 30 -\n3 c 20 -\n4 d 20 -\n5 e 30 -\n6 f 40 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNarrowerTypes checks that events with narrower types than the stored ones are converted, also
// in keys, and equal the stored values.
func TestNarrowerTypes(t *testing.T) {
	wide := &change.Shape{Columns: []change.Column{{Name: "id", Type: change.BigInt}, {Name: "v", Type: change.Text}}, Key: []int{0}}
	put64 := func(id int64, v string, at change.Micros) change.Event {
		e := put(0, v, at)
		e.Shape = wide
		e.Row = cellText(change.AppendValue(nil, binary.BigEndian.AppendUint64(nil, uint64(id))), v)
		return e
	}
	r := newRig(t)
	r.apply(put64(1, "a", 10), put64(math.MaxInt64, "b", 10))
	r.apply(put(1, "a", 20), put(1, "c", 30), del(1, 40), put(2, "d", 50), put64(2, "e", 60), put(2, "?", 70))
	want := "1 a 10 30\n1 c 30 40\n2 d 50 60\n2 e 60 -\n9223372036854775807 b 10 -"
	if got := r.versions(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSeveralCurrentRows checks that the next event of a key ends all of its current rows, when the
// primary key has lost a column and no longer distinguishes them.
func TestSeveralCurrentRows(t *testing.T) {
	columns := []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: change.Text}, {Name: "w", Type: change.Text}}
	both, one := &change.Shape{Columns: columns, Key: []int{0, 1}}, &change.Shape{Columns: columns, Key: []int{0}}
	row := func(s *change.Shape, v, w string, at change.Micros) change.Event {
		e := put(1, v, at)
		e.Shape, e.Row = s, cellText(cellText(cellInt(nil, 1), v), w)
		return e
	}
	r := newRig(t)
	r.apply(row(both, "a", "x", 10), row(both, "b", "y", 20))
	r.apply(row(one, "a", "?", 30))
	got := r.rows(`SELECT v, w, extract(epoch FROM __start)::int, __current FROM library.patron__ ORDER BY __start, __id`)
	if want := "a x 10 false\nb y 20 false\na y 30 true"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	unique := r.rows(`SELECT count(*) FROM pg_index WHERE indrelid = 'library.patron'::regclass AND indisunique`)
	if unique != "1" {
		t.Errorf("%s unique indexes, want the one on the key again", unique)
	}
}

// TestMovedLostValue checks that an unavailable value stays NULL after a change of key if the
// version before it has lost the value: an earlier version that ended at the same time is not used.
func TestMovedLostValue(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 30), del(1, 20))
	r.apply(put(1, "?", 10), del(1, 20), movedFrom(put(2, "?", 20), 1))
	if got, want := r.versions(), "1 a 30 30\n1 NULL 30 30\n2 NULL 20 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRepeatedMove checks that a repeated change of key is recognized if the old key has another
// row by now, and no version has ever ended.
func TestRepeatedMove(t *testing.T) {
	r := newRig(t)
	r.apply(del(2, 10), movedFrom(put(1, "?", 10), 2), put(2, "b", 20))
	r.apply(suspect(movedFrom(put(1, "?", 10), 2)))
	if got, want := r.versions(), "1 NULL 10 -\n2 b 20 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestManyShapes checks that the session keeps a bounded number of temporary tables, and creates a
// dropped one again. Events with ever new types need one each.
func TestManyShapes(t *testing.T) {
	types := []change.Type{change.BigInt, change.Integer, change.SmallInt}
	zero := [][]byte{make([]byte, 8), make([]byte, 4), make([]byte, 2)}
	const columns, shapes = 6, 300
	event := func(n int, v string, at change.Micros) change.Event {
		e := put(int32(n), v, at)
		s := &change.Shape{Columns: shape.Columns[:2:2], Key: shape.Key}
		for i := range columns {
			s.Columns = append(s.Columns, change.Column{Name: fmt.Sprint("c", i), Type: types[n%len(types)]})
			e.Row = change.AppendValue(e.Row, zero[n%len(types)])
			n /= len(types)
		}
		e.Shape = s
		return e
	}
	r := newRig(t)
	for _, v := range []string{"a", "b"} {
		var events []change.Event
		for n := range shapes {
			events = append(events, event(n, v, change.Micros(v[0])))
		}
		r.apply(events[:shapes/2]...)
		r.apply(events[shapes/2:]...)
	}
	kept := r.rows(`SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'`)
	if kept != "256" {
		t.Errorf("%s temporary tables are left", kept)
	}
	got := r.rows(`SELECT v, __current, count(*) FROM library.patron__ GROUP BY v, __current ORDER BY v`)
	if want := "a false 300\nb true 300"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
