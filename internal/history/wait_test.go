package history_test

import (
	"testing"

	"metadb/internal/change"
)

// recorded gives an event the record's key of its row.
func recorded(key string, e change.Event) change.Event {
	e.Record.Key = []byte(key)
	return e
}

// TestWaitsBehindRejected: what lacks values does not take those of a version
// before the one that a rejected record would have made, whichever batch either
// is in; what carries the whole row goes on.
func TestWaitsBehindRejected(t *testing.T) {
	broken := recorded("1", put(1, "", 20))
	broken.Op, broken.Reason = change.Reject, "can't be decoded"
	events := []change.Event{
		recorded("1", put(1, "a", 10)), recorded("2", put(2, "a", 10)),
		broken,
		recorded("1", put(1, "?", 30)), recorded("2", put(2, "?", 30)), recorded("1", put(1, "c", 40)),
	}
	for name, sizes := range map[string][]int{"one batch": {6}, "each alone": {1, 1, 1, 1, 1, 1}, "two batches": {3, 3}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			rest := events
			rejected := 0
			for _, n := range sizes {
				rejected += r.apply(rest[:n:n]...).Rejected
				rest = rest[n:]
			}
			if got, want := r.versions(), "1 a 10 40\n1 c 40 -\n2 a 10 -"; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			want := "can't be decoded\nwaits for offset N"
			if got := r.rows(`SELECT replace(reason, min("offset") OVER ()::text, 'N') FROM metadb.rejected_event ORDER BY "offset"`); got != want || rejected != 2 {
				t.Errorf("%d rejected:\n%s\nwant\n%s", rejected, got, want)
			}
		})
	}
}

// TestWaitsBehindRefusedValue: PostgreSQL refuses the value of a record in the
// same batch.
func TestWaitsBehindRefusedValue(t *testing.T) {
	r := newRig(t)
	out := r.apply(recorded("1", put(1, "a", 10)), recorded("1", put(1, "x\x00y", 20)), recorded("1", put(1, "?", 30)))
	if got, want := r.versions(), "1 a 10 -"; got != want || out.Rejected != 2 || out.Applied != 1 {
		t.Errorf("%+v\n%s", out, got)
	}
	if got, want := r.rows(`SELECT reason FROM metadb.rejected_event WHERE "offset" = 2`), "waits for offset 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
