package rejected

import (
	"bytes"
	"slices"

	"metadb/internal/change"
)

// An event with unavailable values takes them from the version before it. If a record of its key
// was rejected, that version may be missing, and the values would be those of an older version.
// Such an event is blocked: it is rejected too, until both are retried
// (docs/spec/08-rejected-events.md#later-events-of-the-key). It is not blocked if another event of
// the key was applied in between, because that event had the whole row or was blocked as well.

// rejectedRecord is the position of a rejected record, and the time at which it was superseded, or
// nil.
type rejectedRecord struct {
	change.Position
	supersededAt *change.Micros
}

// appliedEvent is the position and time of an event that this transaction applies.
type appliedEvent struct {
	change.Position
	at change.Micros
}

// rejectedKey contains the rejected records of one key, and the events of the key that this
// transaction applies, recorded from the first rejected record on.
type rejectedKey struct {
	rejected []rejectedRecord
	applied  []appliedEvent
}

// addRejected adds a rejected record of a key.
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

// addApplied adds an event that this transaction is about to apply.
func (w rejectedKeys) addApplied(e *change.Event) {
	if known := w.keyOf(e); known != nil {
		known.applied = append(known.applied, appliedEvent{e.Position, e.Time})
	}
}

// blockedBy returns the offset of the rejected record that blocks an event, and whether there is
// one. later is the time at which a retried event was superseded: between records that were
// superseded at the same time no event was applied.
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

// hasAppliedBetween reports whether an event between two positions of a partition is applied.
func (k *rejectedKey) hasAppliedBetween(from, to change.Position) bool {
	for _, p := range slices.Backward(k.applied) {
		if p.Partition == from.Partition && from.Offset < p.Offset && p.Offset < to.Offset {
			return true
		}
	}
	return false
}

// blockedByOldKey is blockedBy for an event with an old key. Its unavailable values are in the
// versions of the old key. Records of that key may be in another partition, and the last of them is
// the delete of this change of key.
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

// supersededAt returns the time at which a record was superseded, or nil: before this transaction,
// or by the first later event that this transaction applies. The record in the database gets that
// time at the end of the batch.
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

// oldKeyHeader is the name of the header with the old key of a row. Debezium writes its value
// without a schema.
const oldKeyHeader = "__debezium.oldkey"

// oldRecordKey returns the record key of the row before a change of key, with the schema of the new
// record key.
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

// takeSuperseded removes and returns the records that an event of their key is the first to
// supersede. It is called in the order of the events, after they are applied.
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
