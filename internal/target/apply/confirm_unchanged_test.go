package apply_test

import (
	"testing"

	"metadb/internal/change"
)

// documentShape has a document in place of a text.
var documentShape = &change.Shape{
	Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: change.JSONB}},
	Key:     []int{0},
}

// documented is an event with the document text in its row.
func documented(id int32, text string, at change.Micros) change.Event {
	e := put(id, "", at)
	e.Shape, e.Row = documentShape, change.AppendValue(cellInt(nil, id), append([]byte{1}, text...))
	return e
}

// resyncedRig returns a rig with a table of rows 1 to 20 that began at 10 and were found unchanged
// at 20, so that the next chunk is written by confirmUnchanged.
func resyncedRig(t *testing.T, row func(id int32, at change.Micros) change.Event) *rig {
	t.Helper()
	r := newRig(t)
	for _, at := range []change.Micros{10, 20} {
		var events []change.Event
		for id := range int32(20) {
			events = append(events, row(id+1, at))
		}
		r.apply(events...)
	}
	if !r.applier.ConfirmsUnchanged(patron) {
		t.Fatal("equal rows have not made the table one whose rows are recognized")
	}
	return r
}

func textRow(id int32, at change.Micros) change.Event { return put(id, "a", at) }

func TestConfirmUnchanged(t *testing.T) {
	r := resyncedRig(t, textRow)
	r.apply(del(20, 25))
	r.apply(put(1, "a", 26))
	out := r.apply(
		confirm(put(1, "a", 30)), confirm(put(2, "a", 5)), put(3, "a", 30), confirm(put(4, "NULL", 30)), confirm(put(21, "new", 30)), confirm(put(20, "a", 22)),
	)
	if out.Written != 3 || out.Ended != 1 || out.Confirmed != 5 {
		t.Errorf("got %d written, %d ended, %d confirmed, want 3, 1, 5", out.Written, out.Ended, out.Confirmed)
	}
	const versions = `SELECT id, coalesce(v, 'NULL'), extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__ WHERE id IN (1, 2, 3, 4, 20, 21) ORDER BY id, __start, __id`
	const want = "1 a 10 -\n2 a 10 -\n3 a 10 -\n4 a 10 30\n4 NULL 30 -\n20 a 10 25\n20 a 25 -\n21 new 30 -"
	if got := r.rows(versions); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := r.rows(`SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id`); got != "1\n2\n4\n20\n21" {
		t.Errorf("confirmed %q", got)
	}
}

// TestConfirmUnchangedWithoutColumn checks that events without a column that has values in the
// table are changes: NULL is another value.
func TestConfirmUnchangedWithoutColumn(t *testing.T) {
	r := resyncedRig(t, textRow)
	short := &change.Shape{Columns: shape.Columns[:1], Key: []int{0}}
	e := put(1, "a", 30)
	e.Shape, e.Row = short, cellInt(nil, 1)
	if out := r.apply(e); out.Written != 1 || out.Ended != 1 {
		t.Errorf("%d written, %d ended, want 1, 1", out.Written, out.Ended)
	}
	if !r.applier.ReplacesRows(patron) {
		t.Error("a chunk that was all different is not learned from")
	}
}

// TestConfirmUnchangedInOtherEncoding checks that the same documents in other bytes are unchanged,
// and that the table is not written by confirmUnchanged afterwards.
func TestConfirmUnchangedInOtherEncoding(t *testing.T) {
	r := resyncedRig(t, func(id int32, at change.Micros) change.Event { return documented(id, `{"a": 1, "b": [true]}`, at) })
	out := r.apply(confirm(documented(1, `{"b":[true],"a":1}`, 30)), confirm(documented(2, `{"a": 1, "b": [true]}`, 30)))
	if out.Written != 0 || out.Ended != 0 || out.Confirmed != 2 {
		t.Errorf("%d written, %d ended, %d confirmed, want 0, 0, 2", out.Written, out.Ended, out.Confirmed)
	}
	if r.applier.ConfirmsUnchanged(patron) {
		t.Error("rows in disguise are to be recognized again")
	}
	if out := r.apply(confirm(documented(1, `{"a": 2}`, 40))); out.Written != 1 || out.Confirmed != 1 {
		t.Errorf("%d written, %d confirmed, want 1, 1", out.Written, out.Confirmed)
	}
}
