package history

import (
	"bytes"
	"slices"
	"strconv"

	"metadb/internal/change"
)

// An event that lacks values takes those of the version before it. If a record
// of its key has been set aside, that version may be missing, and the values
// would be those of an older one: the event waits behind the record, set aside
// too, until both are retried (docs/spec/08-rejected-events.md#later-events-of-the-key). It need not where another event of the key
// was applied in between: that one had the whole row, or it had waited as well.

// aside is a record that was set aside, and when it was overtaken, if it was.
type aside struct {
	change.Position
	later *change.Micros
}

// applied is an event that this transaction applies, and its time.
type applied struct {
	change.Position
	at change.Micros
}

// wait is what is known of one key: records that were set aside, and events that
// this transaction applies, though not before them.
type wait struct {
	aside   []aside
	applied []applied
}

// add notes that a record was set aside.
func (w waits) add(forms keyForms, at change.Position, later *change.Micros) {
	if forms.record == nil {
		return
	}
	known := w.find(forms)
	if known == nil {
		known = &wait{}
		w.name(known, forms)
	}
	known.applied = slices.DeleteFunc(known.applied, func(p applied) bool { return p.Position == at })
	known.aside = append(known.aside, aside{at, later})
}

// apply notes that an event is going to be applied.
func (w waits) apply(e *change.Event) {
	if known := w.of(e); known != nil {
		known.applied = append(known.applied, applied{e.Position, e.Time})
	}
}

// behind returns the offset that an event waits for, if it does. later is when it
// was overtaken itself, where it is retried: what was overtaken by the same thing
// has nothing in between.
func (w waits) behind(e *change.Event, later *change.Micros) (offset int64, waiting bool) {
	if !e.Lacks() {
		return 0, false
	}
	if e.OldKey != nil {
		return w.behindOldKey(e)
	}
	known := w.of(e)
	if known == nil {
		return 0, false
	}
	for _, a := range known.aside {
		if a.Partition != e.Position.Partition || a.Offset >= e.Position.Offset || !sameMoment(a.later, later) {
			continue
		}
		if !known.appliedBetween(a.Position, e.Position) && (!waiting || a.Offset < offset) {
			offset, waiting = a.Offset, true
		}
	}
	return offset, waiting
}

// appliedBetween reports whether an event between two of a partition is applied.
func (k *wait) appliedBetween(from, to change.Position) bool {
	for _, p := range slices.Backward(k.applied) {
		if p.Partition == from.Partition && from.Offset < p.Offset && p.Offset < to.Offset {
			return true
		}
	}
	return false
}

// behindOldKey is behind after a change of key: what the event lacks is in the
// versions of the old key, whose records may be in another partition, and the last
// of which was the delete of this very change.
func (w waits) behindOldKey(e *change.Event) (offset int64, waiting bool) {
	known := w.find(oldFormsOf(e))
	if known == nil {
		return 0, false
	}
	for _, a := range known.aside {
		if later := known.overtaken(a); later == nil || *later == e.Time {
			return a.Offset, true
		}
	}
	return 0, false
}

// overtaken returns when a record was overtaken, if it was: before this
// transaction, or by the first event behind it that this one applies, which the
// record is told at the end of the batch only.
func (k *wait) overtaken(a aside) *change.Micros {
	if a.later != nil {
		return a.later
	}
	var first *applied
	for i := range k.applied {
		p := &k.applied[i]
		if p.Partition == a.Partition && a.Offset < p.Offset && (first == nil || p.Offset < first.Offset) {
			first = p
		}
	}
	if first == nil {
		return nil
	}
	return &first.at
}

func sameMoment(a, b *change.Micros) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// oldKeyHeader is the header with the key that a row had before, which Debezium
// writes without a schema.
const oldKeyHeader = "__debezium.oldkey"

// oldRecordKey returns the record's key of the key that an event's row had before.
// The schema is that of the new one.
func oldRecordKey(e *change.Event) []byte {
	at := slices.IndexFunc(e.Record.Headers, func(h change.Header) bool { return h.Name == oldKeyHeader })
	if at < 0 {
		return nil
	}
	old := e.Record.Headers[at].Value
	const payload = `"payload":`
	from := bytes.Index(e.Record.Key, []byte(payload))
	if from < 0 || bytes.Contains(old, []byte(payload)) {
		return old
	}
	return slices.Concat(e.Record.Key[:from+len(payload)], old, []byte("}"))
}

// overtake returns the records that nothing had overtaken before an event of their
// key, which has. It is asked in the order of the events, once they are applied.
func (w waits) overtake(e *change.Event) []change.Position {
	known := w.of(e)
	if known == nil {
		return nil
	}
	var overtaken []change.Position
	known.aside = slices.DeleteFunc(known.aside, func(a aside) bool {
		ours := a.later == nil && a.Partition == e.Position.Partition && a.Offset < e.Position.Offset
		if ours {
			overtaken = append(overtaken, a.Position)
		}
		return ours
	})
	return overtaken
}

// overtakenAt returns when a retried event, or one that comes late, was overtaken, if it was.
func (r *run) overtakenAt(e *change.Event) *change.Micros {
	if later, late := r.later[e.Position]; late {
		return &later.at
	}
	if rej := r.retried[e.Position]; rej != nil {
		return rej.Later
	}
	return nil
}

// holdBack sets the events of a chunk aside that have to wait, and returns the
// others.
func (r *run) holdBack(c *chunk) *chunk {
	if len(r.waits) == 0 || c.truncate {
		return c
	}
	kept := *c
	kept.events = make([]int, 0, len(c.events))
	for _, i := range c.events {
		e := &r.batch.Events[i]
		offset, waiting := r.waits.behind(e, r.overtakenAt(e))
		if !waiting {
			r.waits.apply(e)
			kept.events = append(kept.events, i)
			continue
		}
		r.outcome.Applied--
		r.outcome.ByOp[e.Op]--
		r.reject(i, change.WaitsForOther, "waits for offset "+strconv.FormatInt(offset, 10)).unconfirmed = e.Confirm
		if e.Confirm {
			r.keyed = append(r.keyed, len(r.rejects)-1)
		}
	}
	return &kept
}
