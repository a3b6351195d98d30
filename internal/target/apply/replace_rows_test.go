package apply_test

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
)

// updatedRig returns a rig with the rows 1 to 20 in its table, begun at 10 and changed at 20, so
// that the rows of the next chunk are replaced.
func updatedRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	var inserts, updates []change.Event
	for id := range int32(20) {
		inserts = append(inserts, put(id+1, "a", 10))
		updates = append(updates, put(id+1, "b", 20))
	}
	r.apply(inserts...)
	r.apply(updates...)
	if !r.applier.ReplacesRows(patron) {
		t.Fatal("updates have not made the table one whose rows are exchanged")
	}
	return r
}

func TestReplaceRows(t *testing.T) {
	r := updatedRig(t)
	ids := r.rows(`SELECT __id FROM library.patron WHERE id <= 2 ORDER BY id`)
	out := r.apply(
		confirm(put(2, "b", 30)), // changes nothing
		confirm(put(1, "c", 30)),
		put(3, "d", 15), // its current version began later
		confirm(put(21, "new", 30)),
		put(4, "NULL", 30), put(5, "e", 30), put(6, "f", 30), put(7, "g", 30), put(8, "h", 30), put(9, "i", 30), put(10, "j", 30), put(11, "k", 30),
		put(12, "l", 30), put(13, "m", 30),
	)
	if out.Written != 13 || out.Ended != 12 || out.Confirmed != 3 {
		t.Errorf("got %d written, %d ended, %d confirmed, want 13, 12, 3", out.Written, out.Ended, out.Confirmed)
	}
	if !r.applier.ReplacesRows(patron) {
		t.Error("one equal row of 14 ends the exchanging")
	}
	got := r.rows(`SELECT id, coalesce(v, 'NULL'), extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__ WHERE id IN (1, 2, 3, 4, 21) ORDER BY id, __start, __id`)
	want := strings.Join([]string{
		"1 a 10 20", "1 b 20 30", "1 c 30 -", "2 a 10 20", "2 b 20 -", "3 a 10 20", "3 b 20 20", "3 d 20 -", "4 a 10 20", "4 b 20 30", "4 NULL 30 -", "21 new 30 -",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A version keeps its id: in history, and where it stays current.
	if got := r.rows(`SELECT __id FROM library.patron__ WHERE id <= 2 AND v = 'b' ORDER BY id`); got != ids {
		t.Errorf("ids were %q, are %q", ids, got)
	}
	if got := r.rows(`SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id`); got != "1\n2\n21" {
		t.Errorf("confirmed %q", got)
	}
	if got := r.rows(`SELECT count(*) FROM library.patron__ WHERE __current <> (__end = '9999-12-31 00:00:00+00')`); got != "0" {
		t.Errorf("%s rows are current and ended", got)
	}
}

// TestReplaceRowsThatAreEqual checks that equal rows are put back, and that the next chunk is
// merged by a stage.
func TestReplaceRowsThatAreEqual(t *testing.T) {
	r := updatedRig(t)
	before := r.versions()
	var again []change.Event
	for id := range int32(20) {
		again = append(again, put(id+1, "b", 30))
	}
	if out := r.apply(again...); out.Written != 0 || out.Ended != 0 {
		t.Errorf("%d written, %d ended", out.Written, out.Ended)
	}
	if after := r.versions(); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
	if r.applier.ReplacesRows(patron) {
		t.Error("rows that were all equal are to be exchanged again")
	}
}

// TestReplaceRowsReadsHistory checks a row that begins before its key was last current.
func TestReplaceRowsReadsHistory(t *testing.T) {
	r := updatedRig(t)
	r.apply(put(1, "c", 40), put(2, "c", 40), del(3, 50))
	r.apply(put(1, "d", 50), put(2, "d", 50))
	if !r.applier.ReplacesRows(patron) {
		t.Fatal("updates are not exchanged")
	}
	r.apply(put(1, "e", 60), put(3, "again", 45))
	got := r.rows(`SELECT v, extract(epoch FROM __start)::bigint FROM library.patron WHERE id = 3`)
	if got != "again 50" {
		t.Errorf("got %q, want the row to begin when the key was last current", got)
	}
}

// TestColumnsNamedLikeOurs checks columns with the names that statements use for their own columns.
func TestColumnsNamedLikeOurs(t *testing.T) {
	r := newRig(t)
	names := []string{"id", "at", "ord", "began", "ended", "origin", "c0", "missing", "e", "c"}
	shape := &change.Shape{Key: []int{0, 1}}
	for _, name := range names {
		shape.Columns = append(shape.Columns, change.Column{Name: name, Type: change.Integer})
	}
	event := func(at change.Micros, n int32) change.Event {
		e := put(1, "", at)
		e.Shape, e.Row = shape, cellInt(cellInt(nil, 1), 2)
		for range len(names) - 2 {
			e.Row = cellInt(e.Row, n)
		}
		return e
	}
	for n := range int32(4) {
		r.apply(event(change.Micros(10*(n+1)), n)) // inserted, staged, replaced twice
	}
	r.apply(event(50, 3))
	r.apply(truncate(60))
	var want []string
	for n := range 4 {
		want = append(want, fmt.Sprintf("%d %d %d", n, 10*(n+1), 10*(n+2)))
	}
	want[3] = "3 40 60"
	if got := r.rows(`SELECT ord, extract(epoch FROM __start)::bigint, extract(epoch FROM __end)::bigint FROM library.patron__ ORDER BY __start`); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestReplaceRowsUpdatesTransformed checks rows that differ in a quick compare column, in another
// column, and not at all.
func TestReplaceRowsUpdatesTransformed(t *testing.T) {
	r := newRig(t)
	wide := &change.Shape{Key: []int{1}, Columns: []change.Column{
		{Name: "v", Type: change.Text}, {Name: "id", Type: change.Integer}, {Name: "n", Type: change.Integer}, {Name: "w", Type: change.Text}, {Name: "m", Type: change.SmallInt},
	}}
	row := func(id, n int32, v string, m int, at change.Micros) change.Event {
		e := put(id, "", at)
		e.Shape, e.Row = wide, cellText(cellInt(cellInt(cellText(nil, v), id), n), "w")
		if e.Row = change.AppendNull(e.Row); m > 0 {
			e.Row = change.AppendValue(e.Row[:len(e.Row)-4], []byte{0, byte(m)})
		}
		return e
	}
	for n := range int32(2) {
		var events []change.Event
		for id := range int32(20) {
			events = append(events, row(id+1, n, "a", 0, 10*(1+change.Micros(n))))
		}
		r.apply(events...)
	}
	if !r.applier.ReplacesRows(patron) {
		t.Fatal("updates are not exchanged")
	}
	out := r.apply(row(1, 1, "a", 0, 30), row(2, 2, "a", 0, 30), row(3, 1, "b", 0, 30), row(4, 1, "a", 7, 30))
	if out.Written != 3 || out.Ended != 3 {
		t.Errorf("got %d written, %d ended, want 3, 3", out.Written, out.Ended)
	}
	got := r.rows(`SELECT id, n, v, coalesce(m, 0), extract(epoch FROM __start)::bigint FROM library.patron WHERE id <= 4 ORDER BY id`)
	if want := "1 1 a 0 20\n2 2 a 0 30\n3 1 b 0 30\n4 1 a 7 30"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
