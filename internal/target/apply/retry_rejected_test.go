package apply_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
)

// asRejected returns the event with a value that can't be applied.
func asRejected(e change.Event) change.Event {
	e.Op, e.Reason, e.Shape, e.Row = change.Reject, "can't be decoded", nil, nil
	return e
}

// retry retries the rejected events, with the given events at their offsets.
func (r *rig) retry(at map[int64]change.Event) change.Outcome {
	r.t.Helper()
	rows, err := r.db.Pool.Query(r.t.Context(), `SELECT id, "offset", (extract(epoch FROM later) * 1000000)::bigint FROM metadb.rejected_event ORDER BY "offset"`)
	if err != nil {
		r.t.Fatal(err)
	}
	var again []change.RejectedEvent
	for rows.Next() {
		var one change.RejectedEvent
		var offset int64
		if err := rows.Scan(&one.ID, &offset, &one.SupersededAt); err != nil {
			r.t.Fatal(err)
		}
		one.Event = at[offset]
		one.Event.Partitions = 0 // the decoder does not set it for retried events
		one.Event.Position = change.Position{Partition: change.Partition{Topic: "t", Number: one.Event.Position.Partition.Number}, Offset: offset}
		again = append(again, one)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	out, err := r.applier.Retry(r.t.Context(), again)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// TestRetry checks that a retried event is inserted as if it had been applied in time.
func TestRetry(t *testing.T) {
	for name, test := range map[string]struct {
		events []change.Event
		// rejected are the indexes of the events that are rejected at first.
		rejected []int
		want     string
	}{
		"nothing came later": {[]change.Event{put(1, "a", 10), put(1, "b", 20)}, []int{1}, "1 a 10 20\n1 b 20 -"},
		"the key's first":    {[]change.Event{put(1, "a", 10), put(2, "x", 15)}, []int{0}, "1 a 10 -\n2 x 15 -"},
		"a later version": {
			[]change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "c", 30)},
			[]int{1},
			"1 a 10 20\n1 b 20 30\n1 c 30 -",
		},
		"a later version that had changed nothing": {
			[]change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "a", 30)},
			[]int{1},
			"1 a 10 20\n1 b 20 30\n1 a 30 -",
		},
		"a later delete of nothing": {
			[]change.Event{put(1, "a", 10), put(2, "x", 10), del(1, 20)},
			[]int{0},
			"1 a 10 20\n2 x 10 -",
		},
		"the same as the later version": {
			[]change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "b", 30)},
			[]int{1},
			"1 a 10 20\n1 b 20 -",
		},
		"a delete, and the row comes back": {
			[]change.Event{put(1, "a", 10), del(1, 20), put(1, "a", 30)},
			[]int{1},
			"1 a 10 20\n1 a 30 -",
		},
		"a delete between ended versions": {
			[]change.Event{put(1, "a", 10), del(1, 20), put(1, "b", 30), del(1, 40)},
			[]int{1},
			"1 a 10 20\n1 b 30 40",
		},
		"a truncate in between": {
			[]change.Event{put(1, "a", 10), put(2, "x", 10), truncate(20)},
			[]int{0},
			"1 a 10 20\n2 x 10 20",
		},
		"values that waited": {
			[]change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "?", 30), put(1, "c", 40)},
			[]int{1},
			"1 a 10 20\n1 b 20 40\n1 c 40 -",
		},
		"several of one key": {
			[]change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "c", 30), put(1, "d", 40), put(1, "e", 50)},
			[]int{1, 2, 4},
			"1 a 10 20\n1 b 20 30\n1 c 30 40\n1 d 40 50\n1 e 50 -",
		},
		"one transaction": {
			[]change.Event{put(1, "a", 10), put(1, "b", 20), put(1, "c", 20)},
			[]int{1},
			"1 a 10 20\n1 b 20 20\n1 c 20 -",
		},
		"another year": {
			[]change.Event{put(1, "a", 10), put(1, "b", 40_000_000), put(1, "a", 80_000_000)},
			[]int{1},
			"1 a 10 40000000\n1 b 40000000 80000000\n1 a 80000000 -",
		},
	} {
		for _, size := range []int{1, len(test.events)} {
			t.Run(fmt.Sprintf("%s, %d", name, size), func(t *testing.T) {
				r := newRig(t)
				out := r.rejectSome(test.events, test.rejected, size)
				if out.Rejected != 0 {
					t.Errorf("%d were rejected again: %+v", out.Rejected, out.Rejections)
				}
				if got := r.versionsInOrder(); got != test.want {
					t.Errorf("got\n%s\nwant\n%s", got, test.want)
				}
				if left := r.rows("SELECT reason FROM metadb.rejected_event"); left != "" {
					t.Errorf("left: %s", left)
				}
			})
		}
	}
}

// versionsInOrder returns versions in the order of start and end, since a retried event gets a
// later id.
func (r *rig) versionsInOrder() string {
	return r.rows(`SELECT id, coalesce(v::text, 'NULL'), extract(epoch FROM __start)::bigint,
		CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__ ORDER BY id, __start, __end`)
}

// rejectSome applies events in batches of a size, some of them with a fault, and retries these.
func (r *rig) rejectSome(events []change.Event, rejected []int, size int) change.Outcome {
	r.t.Helper()
	whole := make(map[int64]change.Event, len(events))
	var broken []change.Event
	for i, e := range events {
		if e.Op != change.Truncate {
			e.Record.Key = fmt.Append(nil, e.Row[:8])
		}
		broken = append(broken, e)
		if slices.Contains(rejected, i) {
			broken[i] = asRejected(e)
		}
		events[i] = e
	}
	at := 0
	for batch := range slices.Chunk(broken, size) {
		first := r.offset
		r.apply(batch...)
		for i := range batch {
			whole[first+int64(i)] = events[at]
			at++
		}
	}
	return r.retry(whole)
}

// TestRetryWithoutRecordKey checks that versions show the later changes of a row where the record's
// key does not, as after a resynchronization from other topics.
func TestRetryWithoutRecordKey(t *testing.T) {
	late := []change.Event{put(1, "x", 15), put(2, "y", 15), put(3, "z", 15), put(2, "p", 25), del(3, 17), put(4, "n", 15)}
	r := newRig(t)
	var broken []change.Event
	whole := map[int64]change.Event{}
	for i, e := range late {
		broken = append(broken, asRejected(e))
		whole[int64(i)] = e
	}
	r.apply(broken...)
	r.apply(put(1, "a", 10), put(2, "p", 10), put(3, "q", 10))
	r.apply(put(1, "b", 20), put(2, "r", 20), del(3, 20))
	if out := r.retry(whole); out.Rejected != 0 {
		t.Fatalf("%+v", out)
	}
	want := "1 a 10 15\n1 x 15 20\n1 b 20 -\n2 p 10 15\n2 y 15 20\n2 r 20 25\n2 p 25 -\n3 q 10 15\n3 z 15 17\n4 n 15 -"
	if got := r.versionsInOrder(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRetryFails checks that an event that fails again stays stored, with the new reason, and that
// the events blocked by it stay too.
func TestRetryFails(t *testing.T) {
	r := newRig(t)
	events := []change.Event{
		recorded("1", put(1, "a", 10)), recorded("1", put(1, "b", 20)), recorded("1", put(1, "?", 30)), recorded("2", put(2, "x", 30)),
	}
	broken := slices.Clone(events)
	broken[1], broken[3] = asRejected(events[1]), asRejected(events[3])
	r.apply(broken...)
	const record = `SELECT key, value, headers, rejected_time FROM metadb.rejected_event WHERE "offset" < 3 ORDER BY "offset"`
	before := r.rows(record)
	still := recorded("1", put(1, "a\x00b", 20))
	out := r.retry(map[int64]change.Event{1: still, 2: events[2], 3: events[3]})
	if got, want := r.versions(), "1 a 10 -\n2 x 30 -"; got != want || out.Rejected != 2 || out.Applied != 1 {
		t.Errorf("%+v, got\n%s\nwant\n%s", out, got, want)
	}
	want := "1 invalid byte sequence for encoding \"UTF8\": 0x00\n2 waits for offset 1"
	if got := r.rows(`SELECT "offset", reason FROM metadb.rejected_event ORDER BY "offset"`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := r.rows(record); got != before {
		t.Errorf("the records have changed: got\n%s\nwant\n%s", got, before)
	}
	if out := r.retry(map[int64]change.Event{1: events[1], 2: events[2]}); out.Rejected != 0 {
		t.Errorf("%+v", out)
	}
	if got, want := r.versions(), "1 a 10 20\n1 b 20 -\n2 x 30 -"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRetryProperty checks that the table is the same as after applying the events in order, when
// all rejected events have been retried, whichever they were.
func TestRetryProperty(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := int32(0)
	rapid.Check(t, func(rt *rapid.T) {
		// Each run has its own key, since all use one table.
		base := next
		next += 2
		var events []change.Event
		var rejected []int
		n := rapid.IntRange(1, 12).Draw(rt, "events")
		first := int64(1_000 * (int64(base) + 1))
		for i := range n {
			id, at := base+int32(rapid.IntRange(0, 1).Draw(rt, "key")), change.Micros(first+int64(i))
			switch op := rapid.SampledFrom([]string{"a", "b", "a", "b", "?", "delete"}).Draw(rt, "op"); op {
			case "delete":
				events = append(events, del(id, at))
			default:
				events = append(events, put(id, op, at))
			}
			if rapid.IntRange(0, 2).Draw(rt, "rejected") == 0 {
				rejected = append(rejected, i)
			}
		}
		want := sequential(events)
		if out := r.rejectSome(events, rejected, rapid.IntRange(1, n).Draw(rt, "size")); out.Rejected != 0 {
			rt.Errorf("rejected again: %+v", out.Rejections)
		}
		var lines []string
		for line := range strings.SplitSeq(r.rows(`SELECT id, coalesce(v::text, 'NULL'), extract(epoch FROM __start)::bigint,
			CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
			FROM library.patron__ WHERE id >= $1 ORDER BY id, __start, __end`, base), "\n") {
			if line != "" {
				lines = append(lines, line)
			}
		}
		if got := strings.Join(lines, "\n"); got != want {
			rt.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// sequential returns the versions that events with ascending times make.
func sequential(events []change.Event) string {
	type version struct {
		v          string
		start, end change.Micros
	}
	rows := map[string][]version{}
	var keys []string
	for _, e := range events {
		key := fmt.Sprint(int32(e.Row[7]) | int32(e.Row[6])<<8 | int32(e.Row[5])<<16)
		if rows[key] == nil && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		line, at := rows[key], e.Time/second
		current := len(line) > 0 && line[len(line)-1].end == 0
		v := ""
		if e.Op == change.Upsert {
			cell := e.Row.Cell(1)
			v = string(cell.Bytes)
			if cell.State == change.Unavailable {
				v = "NULL"
				if current {
					v = line[len(line)-1].v
				}
			}
			if current && line[len(line)-1].v == v {
				continue
			}
		}
		if current {
			line[len(line)-1].end = at
		}
		if e.Op == change.Upsert {
			rows[key] = append(line, version{v: v, start: at})
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return len(a)*10 + strings.Compare(a, b) - len(b)*10 })
	var lines []string
	for _, key := range keys {
		for _, v := range rows[key] {
			end := "-"
			if v.end != 0 {
				end = fmt.Sprint(v.end)
			}
			lines = append(lines, fmt.Sprintf("%s %s %d %s", key, v.v, v.start, end))
		}
	}
	return strings.Join(lines, "\n")
}
