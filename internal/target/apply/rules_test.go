package apply_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

// TestRules applies the events of each case as one batch and, in another database, one by one: the
// versions must be the same.
func TestRules(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"insert", []change.Event{put(1, "a", 10)}, "1 a 10 -"},
		{"update", []change.Event{put(1, "a", 10), put(1, "b", 20)}, "1 a 10 20\n1 b 20 -"},
		{"equal", []change.Event{put(1, "a", 10), put(1, "a", 20)}, "1 a 10 -"},
		{"null equals null", []change.Event{put(1, "NULL", 10), put(1, "NULL", 20)}, "1 NULL 10 -"},
		{"A B A", []change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "a", 30)}, "1 a 10 20\n1 b 20 30\n1 a 30 -"},
		{"A B A at one time", []change.Event{put(1, "a", 10), put(1, "b", 10), put(1, "a", 10)}, "1 a 10 10\n1 b 10 10\n1 a 10 -"},
		{"A A B", []change.Event{put(1, "a", 10), put(1, "a", 20), put(1, "b", 30)}, "1 a 10 30\n1 b 30 -"},
		{"delete", []change.Event{put(1, "a", 10), del(1, 20)}, "1 a 10 20"},
		{"delete of nothing", []change.Event{put(1, "a", 10), del(2, 20)}, "1 a 10 -"},
		{"insert, delete, insert", []change.Event{put(1, "a", 10), del(1, 20), put(1, "a", 30)}, "1 a 10 20\n1 a 30 -"},
		{"time runs backwards", []change.Event{put(1, "a", 30), put(1, "b", 20), put(1, "c", 10)}, "1 a 30 30\n1 b 30 30\n1 c 30 -"},
		{"delete before its row", []change.Event{put(1, "a", 30), del(1, 20), put(1, "b", 10)}, "1 a 30 30\n1 b 30 -"},
		{"insert before the last end", []change.Event{put(1, "a", 10), del(1, 30), put(1, "b", 20)}, "1 a 10 30\n1 b 30 -"},
		{"truncate", []change.Event{put(1, "a", 10), put(2, "b", 20), truncate(30), put(1, "a", 40)}, "1 a 10 30\n1 a 40 -\n2 b 20 30"},
		{"truncate, overtaken", []change.Event{put(1, "a", 10), put(2, "b", 10), put(1, "c", 30), overtakenTruncate(truncate(20))}, "1 a 10 20\n1 c 30 -\n2 b 10 20"},
		{"unavailable", []change.Event{put(1, "a", 10), put(2, "b", 10), put(1, "?", 20)}, "1 a 10 -\n2 b 10 -"},
		{"unavailable after a change", []change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "?", 30)}, "1 a 10 20\n1 b 20 -"},
		{"unavailable twice", []change.Event{put(1, "a", 10), put(1, "?", 20), put(1, "?", 30), put(1, "b", 40)}, "1 a 10 40\n1 b 40 -"},
		{"unavailable with nothing before", []change.Event{put(2, "b", 5), put(1, "?", 10)}, "1 NULL 10 -\n2 b 5 -"},
		{"unavailable after a delete", []change.Event{put(1, "a", 10), del(1, 20), put(1, "?", 30)}, "1 a 10 20\n1 NULL 30 -"},
		{"change of key", []change.Event{put(1, "a", 10), del(1, 20), movedFrom(put(2, "?", 20), 1)}, "1 a 10 20\n2 a 20 -"},
		{"change of key, d unread", []change.Event{put(1, "a", 10), movedFrom(put(2, "?", 20), 1), del(1, 20)}, "1 a 10 20\n2 a 20 -"},
		{"change of key, d suspected", []change.Event{
			put(1, "a", 10), put(3, "c", 30), suspect(del(1, 20)), suspect(movedFrom(put(2, "?", 20), 1)),
		}, "1 a 10 20\n2 a 20 -\n3 c 30 -"},
		{"change of key, d repeated", []change.Event{
			put(1, "a", 30), del(1, 20), put(1, "b", 10), suspect(del(1, 20)), suspect(movedFrom(put(2, "?", 20), 1)),
		}, "1 a 30 30\n1 b 30 -\n2 a 20 -"},
		{"delete while a snapshot is read", []change.Event{put(1, "a", 30), put(2, "b", 30), del(1, 20)}, "1 a 30 30\n2 b 30 -"},
		{"repetition of a delete that ended nothing", []change.Event{
			put(2, "x", 5), del(1, 10), put(1, "a", 20), suspect(del(1, 10)), suspect(put(1, "a", 20)),
		}, "1 a 20 -\n2 x 5 -"},
		{"away and back", []change.Event{
			put(1, "a", 10), del(1, 20), movedFrom(put(2, "?", 20), 1), del(2, 20), movedFrom(put(1, "?", 20), 2),
		}, "1 a 10 20\n1 a 20 -\n2 a 20 20"},
		{"repetition", []change.Event{
			put(1, "a", 10), put(1, "b", 20), put(2, "x", 20), del(2, 30),
			suspect(put(1, "a", 10)), suspect(put(1, "b", 20)), suspect(put(2, "x", 20)), suspect(del(2, 30)), put(1, "c", 40),
		}, "1 a 10 20\n1 b 20 40\n1 c 40 -\n2 x 20 30"},
		{"repetition of what changed nothing", []change.Event{
			put(1, "a", 10), put(1, "a", 20), put(1, "b", 30), suspect(put(1, "a", 20)), suspect(put(1, "b", 30)),
		}, "1 a 10 30\n1 b 30 -"},
		{"a touch and a change of one transaction again", []change.Event{
			put(1, "a", 10), put(1, "a", 20), put(1, "b", 20), suspect(put(1, "a", 20)), suspect(put(1, "b", 20)),
		}, "1 a 10 20\n1 b 20 -"},
		{"there and back in one transaction, in part again", []change.Event{
			put(1, "a", 10), put(1, "b", 20), put(1, "a", 20), suspect(put(1, "b", 20)),
		}, "1 a 10 20\n1 b 20 20\n1 a 20 -"},
		{"deleted and inserted alike, again", []change.Event{
			put(1, "a", 10), del(1, 20), put(1, "a", 20), suspect(del(1, 20)), suspect(put(1, "a", 20)), suspect(put(1, "a", 10)),
		}, "1 a 10 20\n1 a 20 -"},
		{"suspected, the row has changed since", []change.Event{put(1, "a", 10), put(1, "b", 30), suspect(put(1, "c", 20)), suspect(del(1, 20))}, "1 a 10 30\n1 b 30 -"},
		{"a touch that ended since", []change.Event{put(1, "a", 10), put(1, "a", 20), del(1, 30), suspect(put(1, "a", 20))}, "1 a 10 30"},
		{"repeated, whatever the versions say", []change.Event{
			put(1, "a", 10), repeated(put(1, "z", 40)), repeated(del(1, 50)), repeated(put(2, "x", 10)), repeated(truncate(60)),
		}, "1 a 10 -"},
		{"suspected, but no repetition", []change.Event{put(1, "a", 10), put(2, "b", 20), suspect(put(1, "c", 15))}, "1 a 10 15\n1 c 15 -\n2 b 20 -"},
		{"repetition with unavailable", []change.Event{
			put(1, "a", 10), put(1, "b", 20), put(1, "c", 30), suspect(put(1, "b", 20)), suspect(put(1, "?", 20)), suspect(put(1, "?", 30)),
		}, "1 a 10 20\n1 b 20 30\n1 c 30 -"},
		{"repeated truncate", []change.Event{
			put(1, "a", 10), truncate(20), put(2, "b", 20), put(3, "c", 30), suspect(truncate(20)), suspect(put(2, "b", 20)), suspect(put(3, "c", 30)),
		}, "1 a 10 20\n2 b 20 -\n3 c 30 -"},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole, single := newRig(t), newRig(t)
			whole.apply(test.events...)
			if got := whole.versions(); got != test.want {
				t.Errorf("one batch: got\n%s\nwant\n%s", got, test.want)
			}
			for _, e := range test.events {
				single.apply(e)
			}
			if got := single.versions(); got != test.want {
				t.Errorf("one by one: got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestSuspectDeleteOfNullKey checks one batch with keys with and without NULL: the query for one
// kind gives no result for the other.
func TestSuspectDeleteOfNullKey(t *testing.T) {
	r := newRig(t)
	null := func(e change.Event) change.Event {
		e.Row = change.AppendNull(nil)
		if e.Op == change.Upsert {
			e.Row = cellText(e.Row, "n")
		}
		return e
	}
	r.apply(put(1, "a", 10), null(put(0, "n", 10)))
	r.apply(suspect(del(1, 20)), suspect(null(del(0, 30))))
	if got, want := r.versions(), "1 a 10 20\n<nil> n 10 30"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestConfirmed(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "b", 10), put(3, "c", 10), put(4, "d", 10))
	r.apply(confirm(put(1, "a", 20)), confirm(put(2, "x", 20)), confirm(put(2, "y", 30)), put(3, "z", 20), confirm(put(5, "e", 20)))
	got := r.rows(`SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id`)
	if want := "1\n2\n5"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestConfirmedByRepetitions checks that events that are read again in one batch change nothing,
// and confirm the current rows.
func TestConfirmedByRepetitions(t *testing.T) {
	for name, mark := range map[string]func(change.Event) change.Event{"suspected": suspect, "repeated": repeated} {
		t.Run(name, func(t *testing.T) { confirmByRepetitions(t, mark) })
	}
}

func confirmByRepetitions(t *testing.T, mark func(change.Event) change.Event) {
	r := newRig(t)
	events := []change.Event{put(1, "a", 10), put(1, "b", 20), put(2, "a", 10), put(2, "b", 20), put(2, "c", 30), put(3, "a", 10), del(3, 20)}
	r.apply(events...)
	before := r.versions()
	again := make([]change.Event, 0, len(events))
	for _, e := range events {
		if e.Time != 30*second { // c is read later
			again = append(again, mark(confirm(e)))
		}
	}
	r.apply(again...)
	if after := r.versions(); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
	got := r.rows(`SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id`)
	if want := "1"; got != want {
		t.Errorf("confirmed %q, want %q", got, want)
	}
}

// TestConfirmedByWhatLooksLikeARepetition moves row 2 to a key for which the stream has lost the
// delete. The event may be a repetition of the current row of that key, which is at the source then
// and is confirmed.
func TestConfirmedByWhatLooksLikeARepetition(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10), put(2, "b", 10))
	r.apply(confirm(del(2, 20)), suspect(confirm(movedFrom(put(1, "?", 20), 2))))
	got := r.rows(`SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id`)
	if want := "1"; got != want {
		t.Errorf("confirmed %q, want %q", got, want)
	}
}

func TestRolledBackBatchLeavesNothing(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, "a", 10))
	r.offset-- // the stored position is another one
	if _, err := r.try(put(9, "x", 10)); err == nil || !strings.Contains(err.Error(), "stored position") {
		t.Fatalf("got %v, want the fence", err)
	}
	if got := r.versions(); got != "1 a 10 -" {
		t.Errorf("got %s", got)
	}
	r.offset++
	r.apply(put(1, "b", 20))
	if got := r.versions(); got != "1 a 10 20\n1 b 20 -" {
		t.Errorf("got %s", got)
	}
}
