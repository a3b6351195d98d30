package apply_test

import (
	"slices"
	"testing"

	"metadb/internal/change"
)

// from returns the event in a partition. An lsn other than 0 is its LSN instead of its time.
func from(number int32, e change.Event, lsn uint64) change.Event {
	e.Position.Partition.Number, e.Partitions = number, 4
	if e.LSN = uint64(e.Time / second); lsn != 0 {
		e.LSN = lsn
	}
	return e
}

// inSegments returns events that a batch applies in two segments, since the primary key of another
// table changes before event n.
func inSegments(events []change.Event, n int) []change.Event {
	loan := change.Table{Schema: "library", Name: "loan"}
	lend := func(key ...int) change.Event {
		e := from(3, put(1, "a", 1), 1)
		e.Source, e.Table, e.Shape = loan, loan, &change.Shape{Columns: shape.Columns, Key: key}
		return e
	}
	return slices.Concat([]change.Event{lend(0)}, events[:n], []change.Event{lend(0, 1)}, events[n:])
}

// TestTruncateOvertakesRows applies the events of each case as one batch, whole and in segments, in
// batches of one event, and with a restart in between. Rows that precede a truncate and are read
// after it, from another partition, must end with it.
func TestTruncateOvertakesRows(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"insert", []change.Event{
			from(0, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(2, "b", 15), 0), from(1, put(3, "c", 25), 0),
		}, "1 a 10 20\n2 b 15 20\n3 c 25 -"},
		{"update", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "b", 15), 0), from(1, put(1, "c", 16), 0),
		}, "1 a 10 15\n1 b 15 16\n1 c 16 20"},
		{"update that changes nothing", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "a", 15), 0),
		}, "1 a 10 20"},
		{"update with an unavailable value", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, put(2, "x", 10), 0), from(0, truncate(20), 0), from(1, put(1, "?", 15), 0), from(1, put(1, "b", 16), 0),
			from(1, put(1, "?", 17), 0),
		}, "1 a 10 16\n1 b 16 20\n2 x 10 20"},
		{"delete", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, del(1, 15), 0), from(1, put(1, "a", 17), 0), from(1, put(1, "a", 21), 0),
		}, "1 a 10 15\n1 a 17 20\n1 a 21 -"},
		{"change of key", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, del(1, 15), 0), from(2, movedFrom(put(2, "?", 15), 1), 0),
		}, "1 a 10 15\n2 a 15 20"},
		{"two truncates", []change.Event{
			from(0, truncate(20), 0), from(2, truncate(30), 0), from(1, put(1, "a", 10), 0), from(1, put(1, "b", 25), 0), from(1, put(1, "c", 35), 0),
		}, "1 a 10 20\n1 b 25 30\n1 c 35 -"},
		{"one transaction", []change.Event{
			from(1, put(1, "a", 10), 10), from(0, truncate(20), 22), from(1, put(1, "b", 20), 21), from(2, put(2, "c", 20), 23),
		}, "1 a 10 20\n1 b 20 20\n2 c 20 -"},
		{"a row of a snapshot that was read before", []change.Event{
			from(0, truncate(20), 0), from(1, snapshotRow(put(1, "a", 10)), 0), from(1, snapshotRow(put(2, "b", 10)), 0), from(1, put(3, "c", 30), 0),
		}, "1 a 10 20\n2 b 10 20\n3 c 30 -"},
		{"a row of an incremental snapshot, inserted before the truncate", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), incrementalRow(1, put(1, "a", 18), 10), incrementalRow(1, put(2, "b", 18), 10),
			incrementalRow(2, put(3, "c", 18), 12),
		}, "1 a 10 20\n2 b 18 20\n3 c 18 20"},
		{"a row of an incremental snapshot, inserted after the truncate", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, put(1, "b", 21), 0), incrementalRow(1, put(1, "b", 19), 21),
			incrementalRow(2, put(2, "c", 22), 12), incrementalRow(3, put(3, "d", 19), 0),
		}, "1 a 10 20\n1 b 21 -\n2 c 22 -\n3 d 19 -"},
		{"two truncates of one time, and a row between them", []change.Event{
			from(1, put(1, "a", 10), 10), from(0, truncate(20), 20), from(0, truncate(20), 24), from(1, put(1, "a", 20), 22), from(1, put(1, "b", 30), 30),
		}, "1 a 10 20\n1 a 20 20\n1 b 30 -"},
		{"on both sides of the first of two truncates of one time", []change.Event{
			from(0, truncate(20), 20), from(0, truncate(20), 24), from(1, put(1, "a", 10), 10), from(1, put(1, "a", 20), 22), from(1, put(1, "b", 30), 30),
		}, "1 a 10 20\n1 a 20 20\n1 b 30 -"},
		{"of a restored source", []change.Event{
			from(1, put(1, "a", 10), 1000), from(0, truncate(20), 1010), from(1, put(1, "b", 30), 500), from(0, truncate(40), 510), from(1, put(2, "c", 35), 505),
			from(1, put(3, "d", 50), 520),
		}, "1 a 10 20\n1 b 30 40\n2 c 35 40\n3 d 50 -"},
		{"in the partition of the truncate", []change.Event{
			from(0, put(1, "a", 10), 100), from(0, truncate(20), 110), from(0, put(1, "b", 20), 105),
		}, "1 a 10 20\n1 b 20 -"},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole, parts, single, restarted := newRig(t), newRig(t), newRig(t), newRig(t)
			whole.apply(test.events...)
			parts.apply(inSegments(test.events, 1+slices.IndexFunc(test.events, func(e change.Event) bool { return e.Op == change.Truncate }))...)
			for _, e := range test.events {
				single.apply(e)
				restarted.apply(e)
				restarted.reload()
			}
			for name, r := range map[string]*rig{"one batch": whole, "in segments": parts, "one by one": single, "restarted": restarted} {
				if got := r.versions(); got != test.want {
					t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
				}
			}
		})
	}
}

// incrementalRow returns the event as a row of an incremental snapshot in a partition. after is the
// highest LSN before it in the partition.
func incrementalRow(number int32, e change.Event, after uint64) change.Event {
	e = from(number, e, 0)
	e.Snapshot, e.LSN, e.CommittedAfter = change.Incremental, 0, after
	return e
}

func snapshotRow(e change.Event) change.Event {
	e.Snapshot = change.InSnapshot
	return e
}

// TestRowsOvertakeTruncate checks that a truncate that is read after changes which follow it ends
// the rows before it, and keeps those after it: rows of its own transaction, and rows that were
// inserted again with the same values.
func TestRowsOvertakeTruncate(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"the same rows again", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, put(2, "b", 10), 0), from(1, inserted(put(1, "a", 21)), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 21 -\n2 b 10 20"},
		{"in the truncate's transaction", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 20)), 23), from(2, inserted(put(2, "b", 20)), 21), from(3, inserted(put(3, "c", 20)), 24),
			overtakenTruncate(from(0, truncate(20), 22)),
		}, "1 a 10 20\n1 a 20 -\n2 b 20 20\n3 c 20 -"},
		{"several that come late, and the row inserted again after each", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, inserted(put(1, "a", 31)), 0), from(1, inserted(put(1, "a", 41)), 0),
			overtakenTruncate(from(0, truncate(20), 0)), overtakenTruncate(from(0, truncate(30), 0)), overtakenTruncate(from(0, truncate(40), 0)),
		}, "1 a 10 20\n1 a 21 30\n1 a 31 40\n1 a 41 -"},
		{"several, and the row deleted since", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, inserted(put(1, "a", 31)), 0), from(1, del(1, 50), 0),
			overtakenTruncate(from(0, truncate(20), 0)), overtakenTruncate(from(0, truncate(30), 0)),
		}, "1 a 10 20\n1 a 21 30\n1 a 31 50"},
		{"several, the last one first", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 25)), 25), from(1, inserted(put(1, "a", 31)), 40),
			overtakenTruncate(from(0, truncate(30), 35)), overtakenTruncate(from(3, truncate(20), 20)),
		}, "1 a 10 20\n1 a 25 30\n1 a 31 -"},
		{"inserted again, and changed since", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, put(1, "b", 30), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 21 30\n1 b 30 -"},
		{"inserted again, and deleted since", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, del(1, 30), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 21 30"},
		{"sent again, whichever partition has it", []change.Event{
			from(1, put(1, "a", 10), 0), from(0, truncate(20), 0), from(1, inserted(put(1, "a", 21)), 0), overtakenTruncate(from(1, truncate(20), 0)), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 21 -"},
		{"lost, and sent again to a partition that has what follows it", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, inserted(put(2, "b", 22)), 0), overtakenTruncate(from(1, truncate(20), 0)),
		}, "1 a 10 20\n1 a 21 -\n2 b 22 -"},
		{"an insert that may be repeated", []change.Event{
			from(1, put(1, "a", 10), 0), suspect(from(1, inserted(put(1, "a", 25)), 0)), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 25 -"},
		{"a delete and an insert that may be repeated", []change.Event{
			from(1, put(1, "a", 10), 0), suspect(from(1, del(1, 15), 0)), suspect(from(1, put(1, "a", 17), 0)), suspect(from(1, inserted(put(1, "a", 25)), 0)), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 15\n1 a 17 20\n1 a 25 -"},
		{"two truncates, both late", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, inserted(put(1, "a", 31)), 0), overtakenTruncate(from(0, truncate(20), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 a 10 20\n1 a 21 30\n1 a 31 -"},
		{"two truncates, both late, and deleted since", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(1, inserted(put(1, "a", 31)), 0), from(1, del(1, 40), 0), overtakenTruncate(from(0, truncate(20), 0)), overtakenTruncate(from(2, truncate(30), 0)),
		}, "1 a 10 20\n1 a 21 30\n1 a 31 40"},
		{"an insert that may be repeated, between two truncates, the second first", []change.Event{
			from(1, put(1, "a", 10), 0), from(2, truncate(30), 0), suspect(from(1, inserted(put(1, "a", 25)), 0)), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 25 30"},
		{"an insert that may be repeated, and deleted since", []change.Event{
			from(1, put(1, "a", 10), 0), suspect(from(1, inserted(put(1, "a", 25)), 0)), suspect(from(1, del(1, 28), 0)), from(2, truncate(30), 0), overtakenTruncate(from(0, truncate(20), 0)),
		}, "1 a 10 20\n1 a 25 28"},
		{"an insert that is repeated", []change.Event{
			from(1, put(1, "a", 10), 0), suspect(from(1, inserted(put(1, "a", 10)), 0)), from(1, inserted(put(1, "a", 25)), 0), suspect(from(1, inserted(put(1, "a", 10)), 0)), suspect(from(1, inserted(put(1, "a", 25)), 0)),
			overtakenTruncate(from(0, truncate(20), 0)), suspect(from(1, inserted(put(1, "a", 25)), 0)),
		}, "1 a 10 20\n1 a 25 -"},
		{"two truncates, the second first", []change.Event{
			from(1, put(1, "a", 10), 0), from(1, inserted(put(1, "a", 21)), 0), from(2, truncate(30), 0), overtakenTruncate(from(0, truncate(20), 0)), from(1, inserted(put(1, "a", 31)), 0),
		}, "1 a 10 20\n1 a 21 30\n1 a 31 -"},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole, parts, single := newRig(t), newRig(t), newRig(t)
			whole.apply(test.events...)
			parts.apply(inSegments(test.events, len(test.events)-1)...)
			for _, e := range test.events {
				single.apply(e)
				single.reload()
			}
			for name, r := range map[string]*rig{"one batch": whole, "in segments": parts, "one by one": single} {
				if got := r.versions(); got != test.want {
					t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
				}
			}
		})
	}
}

// TestOvertakenTruncateKeepsConfirmation checks that the confirmation of a row that is inserted
// again after a truncate passes to the new version that it gets when the truncate is applied late.
func TestOvertakenTruncateKeepsConfirmation(t *testing.T) {
	r := newRig(t)
	r.apply(from(1, put(1, "a", 10), 0), from(1, put(2, "b", 10), 0), from(1, put(3, "c", 10), 0), from(1, put(4, "d", 10), 0))
	// A resynchronization begins here. Row 4 was inserted again before.
	r.apply(from(1, inserted(put(4, "d", 21)), 0))
	r.apply(confirm(from(1, inserted(put(1, "a", 22)), 0)), confirm(from(1, inserted(put(3, "x", 23)), 0)))
	r.apply(overtakenTruncate(from(0, truncate(20), 0)))
	if got, want := r.versions(), "1 a 10 20\n1 a 22 -\n2 b 10 20\n3 c 10 20\n3 x 23 -\n4 d 10 20\n4 d 21 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := r.rows("SELECT id FROM library.patron JOIN library.zzz___patron___sync USING (__id) ORDER BY id"), "1\n3"; got != want {
		t.Errorf("confirmed are %q, want %q", got, want)
	}
}

// inserted marks an event as an insert.
func inserted(e change.Event) change.Event {
	e.Created = true
	return e
}

// TestTransformedRowsAndTruncates checks truncates that overtake rows, and rows that overtake a
// truncate, in a table with transformed tables.
func TestTransformedRowsAndTruncates(t *testing.T) {
	r := newRig(t)
	r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'patron', 'v', '$', 't')")
	r.apply(from(1, put(1, `{"x": 1}`, 10), 0), from(1, put(2, `{"x": 2}`, 10), 0))
	r.apply(from(0, truncate(20), 0))
	r.apply(from(1, put(1, `{"x": 3}`, 15), 0), from(1, put(3, `{"x": 4}`, 16), 0), from(1, put(1, `{"x": 5}`, 25), 0), from(1, put(2, `{"x": 6}`, 25), 0))
	r.apply(from(1, inserted(put(2, `{"x": 6}`, 35)), 0), from(1, put(1, `{"x": 7}`, 36), 0))
	r.apply(overtakenTruncate(from(0, truncate(30), 0)))
	const query = `SELECT __root__id, x::text, extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__t__ ORDER BY 1, __start, __id`
	if got, want := r.rows(query), "1 1 10 15\n1 3 15 20\n1 5 25 30\n1 7 36 -\n2 2 10 20\n2 6 25 30\n2 6 35 -\n3 4 16 20"; got != want {
		t.Errorf("transformed: got\n%s\nwant\n%s", got, want)
	}
}

// TestChangeOfKeyWithoutDelete checks that the insert of a change of key is rejected while its
// delete has not been read, unless the table shows that the delete has been applied.
func TestChangeOfKeyWithoutDelete(t *testing.T) {
	r := newRig(t)
	unpaired := func(e change.Event) change.Event {
		e.Unpaired = true
		return e
	}
	out := r.apply(put(1, "a", 10), put(3, "c", 10), del(3, 20), unpaired(movedFrom(put(4, "?", 20), 3)), unpaired(movedFrom(put(2, "?", 30), 1)), put(5, "e", 30))
	if out.Rejected != 1 || len(out.Rejections) != 1 || out.Rejections[0].Kind != change.BlockedByOther {
		t.Errorf("rejected %d: %+v, want the change from 1 to 2", out.Rejected, out.Rejections)
	}
	if got, want := r.versions(), "1 a 10 -\n3 c 10 20\n4 c 20 -\n5 e 30 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A delete that found no row has been applied too. The values that it would have had are
	// unknown.
	r.apply(from(0, del(7, 40), 41))
	r.reload()
	out = r.apply(unpaired(from(1, movedFrom(put(8, "?", 40), 7), 41)), unpaired(from(1, movedFrom(put(9, "?", 50), 7), 51)))
	if out.Rejected != 1 || len(out.Rejections) != 1 || out.Rejections[0].Kind != change.BlockedByOther {
		t.Errorf("rejected %d: %+v, want the later change of key", out.Rejected, out.Rejections)
	}
	if got, want := r.versions(), "1 a 10 -\n3 c 10 20\n4 c 20 -\n5 e 30 -\n8 NULL 40 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
