package apply_test

import (
	"slices"
	"testing"

	"metadb/internal/change"
)

var (
	tagShape = &change.Shape{
		Columns: []change.Column{{Name: "id", Type: change.JSONB}, {Name: "v", Type: change.Text}},
		Key:     []int{0},
	}
	tagKeyShape = &change.Shape{Columns: tagShape.Columns[:1], Key: []int{0}}
)

// tagKey is a key cell in PostgreSQL's binary format of jsonb.
func tagKey(text string) change.Row { return change.AppendValue(nil, append([]byte{1}, text...)) }

// putTag is an upsert with a document as its key, in the same spelling as in the record key.
func putTag(key, v string, at change.Micros) change.Event {
	e := recorded(key, put(0, "", at))
	e.Shape, e.Row = tagShape, cellText(tagKey(key), v)
	return e
}

func delTag(key string, at change.Micros) change.Event {
	e := recorded(key, del(0, at))
	e.Shape, e.Row = tagKeyShape, tagKey(key)
	return e
}

// tagVersions is versions for keys that are documents, ordered by key.
func (r *rig) tagVersions() string {
	r.t.Helper()
	return r.rows(`SELECT id::text, v, extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__ AS p ORDER BY p.id, __start, __id`)
}

// undecoded is a rejected event with a readable key.
func undecoded(e change.Event, key string) change.Event {
	e = asRejected(e)
	e.Shape, e.Row = tagKeyShape, tagKey(key)
	return e
}

// TestBlockedInAnySpelling checks that a rejected record blocks, and is superseded by, events with
// another spelling of its key. After a retry its version precedes theirs.
func TestBlockedInAnySpelling(t *testing.T) {
	const one, two, three, other = `{"a":1,"b":2}`, `{"b":2,"a":1.0}`, `{"b":2, "b":2.00, "a":1}`, `{"a":2,"b":1}`
	events := []change.Event{
		putTag(one, "a", 10), putTag(other, "x", 10), putTag(two, "b", 20),
		putTag(three, "?", 30), putTag(other, "?", 30), putTag(one, "c", 40),
	}
	for name, sizes := range map[string][]int{"one batch": {6}, "each alone": {1, 1, 1, 1, 1, 1}, "two batches": {3, 3}, "three batches": {3, 1, 2}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			whole := map[int64]change.Event{}
			n := 0
			for _, size := range sizes {
				batch := slices.Clone(events[n : n+size])
				for i := range batch {
					whole[r.offset+int64(i)] = batch[i]
					if n+i == 2 {
						batch[i] = undecoded(batch[i], two)
					}
				}
				r.apply(batch...)
				n += size
			}
			const before = `{"a": 1, "b": 2} a 10 40` + "\n" + `{"a": 1, "b": 2} c 40 -` + "\n" + `{"a": 2, "b": 1} x 10 -`
			if got := r.tagVersions(); got != before {
				t.Errorf("got\n%s\nwant\n%s", got, before)
			}
			const aside = `SELECT kind, extract(epoch FROM later)::int FROM metadb.rejected_event ORDER BY "offset"`
			if got, want := r.rows(aside), "record 40\nwaits 40"; got != want {
				t.Errorf("set aside:\n%s\nwant\n%s", got, want)
			}
			if out := r.retry(whole); out.Rejected != 0 {
				t.Errorf("%+v", out)
			}
			const after = `{"a": 1, "b": 2} a 10 20` + "\n" + `{"a": 1.0, "b": 2} b 20 30` + "\n" + `{"a": 1, "b": 2.00} b 30 40` + "\n" +
				`{"a": 1, "b": 2} c 40 -` + "\n" + `{"a": 2, "b": 1} x 10 -`
			if got := r.tagVersions(); got != after {
				t.Errorf("retried:\n%s\nwant\n%s", got, after)
			}
		})
	}
}

// TestBlockedByOldKeyInAnySpelling checks a change of key in which the spelling of the old key
// differs from that in the rejected record.
func TestBlockedByOldKeyInAnySpelling(t *testing.T) {
	moved := putTag(`[2]`, "?", 30)
	moved.OldKey = tagKey(`[1.0, {"b":1,"a":2}]`)
	moved.Record.Headers = []change.Header{{Name: "__debezium.oldkey", Value: []byte(`{"id":"[1.0, {\"b\":1,\"a\":2}]"}`)}}
	const old, again = `[1,{"a":2,"b":1}]`, `[1,{"b":1,"a":2}]`
	events := []change.Event{putTag(old, "a", 10), undecoded(putTag(again, "b", 20), again), delTag(old, 30), moved}
	for _, size := range []int{1, 2, 4} {
		r := newRig(t)
		for batch := range slices.Chunk(slices.Clone(events), size) {
			r.apply(batch...)
		}
		if got, want := r.rows(`SELECT kind FROM metadb.rejected_event ORDER BY "offset"`), "record\nwaits"; got != want {
			t.Errorf("size %d: set aside\n%s\nwant\n%s", size, got, want)
		}
	}
}

// TestBlockedByRecordOfEarlierLayout checks that a record that was rejected before canonical keys
// were stored is found only by the bytes of its record key.
func TestBlockedByRecordOfEarlierLayout(t *testing.T) {
	const one, two = `{"a":1,"b":2}`, `{"b":2,"a":1}`
	for later, want := range map[string]string{one: "record\nwaits", two: "record"} {
		r := newRig(t)
		r.apply(putTag(one, "a", 10), undecoded(putTag(one, "b", 20), one))
		if _, err := r.db.Pool.Exec(t.Context(), "UPDATE metadb.rejected_event SET canonical_key = NULL"); err != nil {
			t.Fatal(err)
		}
		r.apply(putTag(later, "?", 30))
		if got := r.rows(`SELECT kind FROM metadb.rejected_event ORDER BY "offset"`); got != want {
			t.Errorf("%s: set aside\n%s\nwant\n%s", later, got, want)
		}
	}
}
