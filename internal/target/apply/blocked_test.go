package apply_test

import (
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
)

// recorded sets the record key of an event.
func recorded(key string, e change.Event) change.Event {
	e.Record.Key = []byte(key)
	return e
}

// TestBlockedByRejected checks that an event with unavailable values does not take those of a
// version older than the one that a rejected record would have written, in the same batch or in
// another. An event with the whole row is applied.
func TestBlockedByRejected(t *testing.T) {
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

// TestBlockedByRefusedValue checks an event that is blocked by a record of the same batch with a
// value that PostgreSQL refuses.
func TestBlockedByRefusedValue(t *testing.T) {
	r := newRig(t)
	out := r.apply(recorded("1", put(1, "a", 10)), recorded("1", put(1, "x\x00y", 20)), recorded("1", put(1, "?", 30)))
	if got, want := r.versions(), "1 a 10 -"; got != want || out.Rejected != 2 || out.Applied != 1 {
		t.Errorf("%+v\n%s", out, got)
	}
	if got, want := r.rows(`SELECT reason FROM metadb.rejected_event WHERE "offset" = 2`), "waits for offset 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNoLongerBlocked checks that an event with unavailable values is not blocked if another event
// of its key, with the whole row, was applied after the rejected record.
func TestNoLongerBlocked(t *testing.T) {
	events := []change.Event{
		recorded("1", put(1, "a", 10)), asRejected(recorded("1", put(1, "b", 20))), recorded("1", put(1, "c", 30)),
		recorded("1", put(1, "?", 40)), recorded("1", put(1, "d", 50)),
	}
	for name, sizes := range map[string][]int{"one batch": {5}, "each alone": {1, 1, 1, 1, 1}, "two batches": {2, 3}, "before it": {3, 2}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			rest, rejected := events, 0
			for _, n := range sizes {
				rejected += r.apply(rest[:n:n]...).Rejected
				rest = rest[n:]
			}
			if got, want := r.versions(), "1 a 10 30\n1 c 30 50\n1 d 50 -"; got != want || rejected != 1 {
				t.Errorf("%d rejected, got\n%s\nwant\n%s", rejected, got, want)
			}
		})
	}
}

// TestBlockedByRefusedRow checks an event that stays blocked because PostgreSQL refuses the row
// that was applied in between.
func TestBlockedByRefusedRow(t *testing.T) {
	r := newRig(t)
	out := r.apply(
		recorded("1", put(1, "a", 10)), asRejected(recorded("1", put(1, "b", 20))), recorded("1", put(1, "x\x00y", 30)), recorded("1", put(1, "?", 40)),
	)
	if got, want := r.versions(), "1 a 10 -"; got != want || out.Rejected != 3 {
		t.Errorf("%+v\n%s", out, got)
	}
}

// TestBlockedAfterKeyChange checks a change of key with unavailable values while a record of the
// old key is rejected.
func TestBlockedAfterKeyChange(t *testing.T) {
	const key = `{"schema":{"type":"struct"},"payload":{"id":%s}}`
	record := func(id string, e change.Event) change.Event { return recorded(strings.Replace(key, "%s", id, 1), e) }
	moved := record("2", movedFrom(put(2, "?", 30), 1))
	moved.Record.Headers = []change.Header{{Name: "__debezium.oldkey", Value: []byte(`{"id":1}`)}}
	events := []change.Event{record("1", put(1, "a", 10)), record("1", put(1, "b", 20)), record("1", del(1, 30)), moved}
	for _, size := range []int{1, 2, 4} {
		r := newRig(t)
		whole := map[int64]change.Event{}
		n := 0
		for batch := range slices.Chunk(slices.Clone(events), size) {
			for i, e := range batch {
				whole[r.offset+int64(i)] = e
				if n++; n == 2 {
					batch[i] = asRejected(e)
				}
			}
			r.apply(batch...)
		}
		if got, want := r.versions(), "1 a 10 30"; got != want {
			t.Errorf("size %d: got\n%s\nwant\n%s", size, got, want)
		}
		if out := r.retry(whole); out.Rejected != 0 {
			t.Errorf("size %d: %+v", size, out)
		}
		if got, want := r.versions(), "1 a 10 20\n1 b 20 30\n2 b 30 -"; got != want {
			t.Errorf("size %d, retried: got\n%s\nwant\n%s", size, got, want)
		}
	}
}
