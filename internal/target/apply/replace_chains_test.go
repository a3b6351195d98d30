package apply_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

// quickCompareShape returns a shape of a key and two values, of which the first is a quick compare
// column.
func quickCompareShape() *change.Shape {
	return &change.Shape{Key: []int{0}, Columns: []change.Column{
		{Name: "id", Type: change.Integer}, {Name: "n", Type: change.Integer}, {Name: "v", Type: change.Text},
	}}
}

// set returns an upsert of a row of that shape.
func set(shape *change.Shape, id, n int32, v string, at change.Micros) change.Event {
	e := put(id, "", at)
	e.Shape, e.Row = shape, cellText(cellInt(cellInt(nil, id), n), v)
	return e
}

// TestReplaceRowsOfChains checks a chunk with several events of one key and replaced rows: the
// versions in between are written to history directly.
func TestReplaceRowsOfChains(t *testing.T) {
	shape := quickCompareShape()
	s := func(id, n int32, v string, at change.Micros) change.Event { return set(shape, id, n, v, at) }
	for name, test := range map[string]struct {
		events []change.Event
		// want are the versions of row 1 that began or ended at 30 or later, and those of new rows.
		want                      string
		written, ended, confirmed int
		staged                    bool
	}{
		"updates": {
			events: []change.Event{s(1, 3, "c", 30), s(1, 4, "d", 40), confirm(s(1, 5, "e", 50))},
			want:   "1 2 b 20 30\n1 3 c 30 40\n1 4 d 40 50\n1 5 e 50 -", written: 3, ended: 3, confirmed: 1,
		},
		"there and back": {
			events: []change.Event{s(1, 3, "c", 30), s(1, 2, "b", 40)},
			want:   "1 2 b 20 30\n1 3 c 30 40\n1 2 b 40 -", written: 2, ended: 2,
		},
		"the same twice": {
			events: []change.Event{s(1, 3, "c", 30), confirm(s(1, 3, "c", 40)), s(1, 4, "c", 50)},
			want:   "1 2 b 20 30\n1 3 c 30 50\n1 4 c 50 -", written: 2, ended: 2,
		},
		"update and delete": {
			events: []change.Event{s(1, 3, "c", 30), del(1, 40)},
			want:   "1 2 b 20 30\n1 3 c 30 40", written: 1, ended: 2,
		},
		"delete and insert": {
			events: []change.Event{del(1, 30), s(1, 2, "b", 40)},
			want:   "1 2 b 20 30\n1 2 b 40 -", written: 1, ended: 1,
		},
		"delete alone": {
			events: []change.Event{del(1, 30), s(2, 3, "c", 30)},
			want:   "1 2 b 20 30", written: 1, ended: 2,
		},
		"delete of what is not there": {
			events: []change.Event{del(99, 30), s(1, 3, "c", 30)},
			want:   "1 2 b 20 30\n1 3 c 30 -", written: 1, ended: 1,
		},
		"new row": {
			events: []change.Event{s(21, 1, "a", 30), s(21, 2, "b", 30), confirm(s(21, 3, "c", 40))},
			want:   "21 1 a 30 30\n21 2 b 30 40\n21 3 c 40 -", written: 3, ended: 2, confirmed: 1,
		},
		"new row that goes": {
			events: []change.Event{s(21, 1, "a", 30), del(21, 31), s(1, 3, "c", 32)},
			want:   "1 2 b 20 32\n1 3 c 32 -\n21 1 a 30 31", written: 2, ended: 2,
		},
		"the first equals what is there": {
			events: []change.Event{confirm(s(1, 2, "b", 30)), s(1, 3, "b", 40)},
			want:   "1 2 b 20 40\n1 3 b 40 -", written: 1, ended: 1, staged: true,
		},
		"nothing tells": {
			events: []change.Event{s(1, 3, "c", 30), s(1, 3, "d", 40)},
			want:   "1 2 b 20 30\n1 3 c 30 40\n1 3 d 40 -", written: 2, ended: 2, staged: true,
		},
		"an only event equals what is there": {
			events: []change.Event{
				confirm(s(1, 2, "b", 30)), s(3, 3, "c", 30), s(3, 4, "c", 30), s(4, 3, "c", 30), s(5, 3, "c", 30), s(6, 3, "c", 30),
				s(7, 3, "c", 30), s(8, 3, "c", 30), s(9, 3, "c", 30), s(10, 3, "c", 30), s(11, 3, "c", 30), s(12, 3, "c", 30),
			},
			want: "", written: 11, ended: 11, confirmed: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for n := range int32(2) {
				var events []change.Event
				for id := range int32(20) {
					events = append(events, s(id+1, n+1, string("ab"[n]), 10*(1+change.Micros(n))))
				}
				r.apply(events...)
			}
			if !r.applier.ReplacesRows(patron) {
				t.Fatal("updates are not exchanged")
			}
			out := r.apply(test.events...)
			if out.Written != test.written || out.Ended != test.ended || !test.staged && out.Confirmed != test.confirmed {
				t.Errorf("got %d written, %d ended, %d confirmed, want %d, %d, %d", out.Written, out.Ended, out.Confirmed, test.written, test.ended, test.confirmed)
			}
			got := r.rows(`SELECT id, n, v, extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
				FROM library.patron__ WHERE id IN (1, 21) AND (__start >= to_timestamp(30) OR NOT __current AND __end >= to_timestamp(30)) ORDER BY id, __start, __id`)
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if staged := r.applier.NeedsComparison(patron); staged != test.staged {
				t.Errorf("went the staged way: %v, want %v", staged, test.staged)
			}
			if wrong := r.rows(`SELECT count(*) FROM library.patron__ WHERE __current <> (__end = '9999-12-31 00:00:00+00')`); strings.TrimSpace(wrong) != "0" {
				t.Errorf("%s rows are current and ended", wrong)
			}
		})
	}
}
