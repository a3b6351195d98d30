package apply

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

// rejectedRecord is a record that was set aside, and when it was overtaken, if it was.
type rejectedRecord struct {
	change.Position
	supersededAt *change.Micros
}

// appliedEvent is an event that this transaction applies, and its time.
type appliedEvent struct {
	change.Position
	at change.Micros
}

// rejectedKey is what is known of one key: records that were set aside, and events that
// this transaction applies, though not before them.
type rejectedKey struct {
	rejected []rejectedRecord
	applied  []appliedEvent
}

// addRejected notes that a record was set aside.
func (w rejectedKeys) addRejected(forms keyForms, at change.Position, later *change.Micros) {
	if forms.record == nil {
		return
	}
	known := w.findKey(forms)
	if known == nil {
		known = &rejectedKey{}
		w.indexForms(known, forms)
	}
	known.applied = slices.DeleteFunc(known.applied, func(p appliedEvent) bool { return p.Position == at })
	known.rejected = append(known.rejected, rejectedRecord{at, later})
}

// addApplied notes that an event is going to be applied.
func (w rejectedKeys) addApplied(e *change.Event) {
	if known := w.keyOf(e); known != nil {
		known.applied = append(known.applied, appliedEvent{e.Position, e.Time})
	}
}

// blockedBy returns the offset that an event waits for, if it does. later is when it
// was overtaken itself, where it is retried: what was overtaken by the same thing
// has nothing in between.
func (w rejectedKeys) blockedBy(e *change.Event, later *change.Micros) (offset int64, waiting bool) {
	if !e.HasUnavailable() {
		return 0, false
	}
	if e.OldKey != nil {
		return w.blockedByOldKey(e)
	}
	known := w.keyOf(e)
	if known == nil {
		return 0, false
	}
	for _, a := range known.rejected {
		if a.Partition != e.Position.Partition || a.Offset >= e.Position.Offset || !isSameTime(a.supersededAt, later) {
			continue
		}
		if !known.hasAppliedBetween(a.Position, e.Position) && (!waiting || a.Offset < offset) {
			offset, waiting = a.Offset, true
		}
	}
	return offset, waiting
}

// hasAppliedBetween reports whether an event between two of a partition is applied.
func (k *rejectedKey) hasAppliedBetween(from, to change.Position) bool {
	for _, p := range slices.Backward(k.applied) {
		if p.Partition == from.Partition && from.Offset < p.Offset && p.Offset < to.Offset {
			return true
		}
	}
	return false
}

// blockedByOldKey is blockedBy after a change of key: what the event lacks is in the
// versions of the old key, whose records may be in another partition, and the last
// of which was the delete of this very change.
func (w rejectedKeys) blockedByOldKey(e *change.Event) (offset int64, waiting bool) {
	known := w.findKey(oldKeyFormsOf(e))
	if known == nil {
		return 0, false
	}
	for _, a := range known.rejected {
		if later := known.supersededAt(a); later == nil || *later == e.Time {
			return a.Offset, true
		}
	}
	return 0, false
}

// supersededAt returns when a record was overtaken, if it was: before this
// transaction, or by the first event behind it that this one applies, which the
// record is told at the end of the batch only.
func (k *rejectedKey) supersededAt(a rejectedRecord) *change.Micros {
	if a.supersededAt != nil {
		return a.supersededAt
	}
	var first *appliedEvent
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

func isSameTime(a, b *change.Micros) bool {
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

// takeSuperseded returns the records that nothing had overtaken before an event of their
// key, which has. It is asked in the order of the events, once they are applied.
func (w rejectedKeys) takeSuperseded(e *change.Event) []change.Position {
	known := w.keyOf(e)
	if known == nil {
		return nil
	}
	var overtaken []change.Position
	known.rejected = slices.DeleteFunc(known.rejected, func(a rejectedRecord) bool {
		ours := a.supersededAt == nil && a.Partition == e.Position.Partition && a.Offset < e.Position.Offset
		if ours {
			overtaken = append(overtaken, a.Position)
		}
		return ours
	})
	return overtaken
}

// supersededAt returns when a retried event, or one that comes late, was overtaken, if it was.
func (r *batchTx) supersededAt(e *change.Event) *change.Micros {
	if later, late := r.supersededBy[e.Position]; late {
		return &later.at
	}
	if rej := r.retried[e.Position]; rej != nil {
		return rej.SupersededAt
	}
	return nil
}

// rejectBlocked sets the events of a chunk aside that have to wait, and returns the
// others.
func (r *batchTx) rejectBlocked(c *chunk) *chunk {
	if len(r.rejectedKeys) == 0 || c.truncate {
		return c
	}
	kept := *c
	kept.events = make([]int, 0, len(c.events))
	for _, i := range c.events {
		e := &r.batch.Events[i]
		offset, waiting := r.rejectedKeys.blockedBy(e, r.supersededAt(e))
		if !waiting {
			r.rejectedKeys.addApplied(e)
			kept.events = append(kept.events, i)
			continue
		}
		r.outcome.Applied--
		r.outcome.ByOp[e.Op]--
		r.rejectEvent(i, change.BlockedByOther, "waits for offset "+strconv.FormatInt(offset, 10)).unconfirmed = e.Confirm
		if e.Confirm {
			r.rejectsWithKey = append(r.rejectsWithKey, len(r.rejectedEvents)-1)
		}
	}
	return &kept
}
