package apply_test

import (
	"testing"

	"metadb/internal/change"
)

// TestRejected checks that a faulty event is stored whole, that the others are applied in order,
// and that in a resynchronization the row of the rejected event is confirmed.
func TestRejected(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "b", 10), put(3, "c", 10), put(4, "d", 10))
	zero := confirm(put(2, "x\x00y", 20)) // PostgreSQL refuses U+0000
	zero.Record = change.Record{Key: []byte("k"), Head: []byte("he"), Tail: []byte("ad"), Headers: []change.Header{{Name: "h", Value: []byte("v")}, {Name: "n"}}}
	unread := change.Event{Op: change.Reject, Confirm: true, Reason: "no envelope", Source: patron, Table: patron}
	keyed := confirm(del(3, 20))
	keyed.Op, keyed.Reason = change.Reject, "bad value"
	out := r.apply(confirm(put(1, "e", 20)), zero, confirm(put(1, "f", 30)), unread, keyed, confirm(put(5, "g", 40)))
	if out.Applied != 3 || out.Rejected != 3 || len(out.Rejections) != 3 {
		t.Errorf("outcome: %+v", out)
	}
	if want := [...]int{change.Unreadable: 2, change.RefusedValue: 1, change.BlockedByOther: 0}; out.ByReason != want {
		t.Errorf("by reason: %v, want %v", out.ByReason, want)
	}
	if got, want := out.Tables[patron], (change.TableStats{Written: 3, Ended: 2, Confirmed: 5, ConfirmedByChange: 5, LastEventTime: 40 * 1_000_000}); got != want || len(out.Tables) != 1 {
		t.Errorf("tables: %+v, want %+v", out.Tables, want)
	}
	if got, want := r.rows("SELECT kind, count(*) FROM metadb.rejected_event GROUP BY kind ORDER BY kind"), "record 2\nvalue 1"; got != want {
		t.Errorf("kinds: got %q, want %q", got, want)
	}
	if got, want := r.versions(), "1 a 10 20\n1 e 20 30\n1 f 30 -\n2 b 10 -\n3 c 10 -\n4 d 10 -\n5 g 40 -"; got != want {
		t.Errorf("versions: got\n%s\nwant\n%s", got, want)
	}
	if got, want := r.rows(`SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id`), "1\n2\n3\n5"; got != want {
		t.Errorf("confirmed: got %q, want %q", got, want)
	}
	got := r.rows(`SELECT "offset", table_name, convert_from(key, 'UTF8'), convert_from(value, 'UTF8'),
		(SELECT string_agg(coalesce(convert_from(h, 'UTF8'), 'NULL'), ',') FROM unnest(headers) h), unconfirmed, left(reason, 21)
		FROM metadb.rejected_event WHERE key IS NOT NULL`)
	if want := "6 patron k head h,v,n,NULL false invalid byte sequence"; got != want {
		t.Errorf("stored: got %q, want %q", got, want)
	}
	if got, want := r.rows(`SELECT reason, unconfirmed FROM metadb.rejected_event WHERE key IS NULL ORDER BY id`), "no envelope true\nbad value false"; got != want {
		t.Errorf("others: got %q, want %q", got, want)
	}
}
