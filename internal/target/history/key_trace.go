package history

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// keyTrace describes the effects of a chunk's events on one key.
type keyTrace struct {
	// suspect is true if the last event may be a repetition.
	suspect bool
	// eventCount is the number of events. deleted is true if the last one was a delete, afterUpsert
	// if an upsert preceded that one. at is the time of the last event.
	eventCount           int
	deleted, afterUpsert bool
	at                   change.Micros
}

// traceKey adds an event to the trace of its key.
func (c *Chunk) traceKey(e *change.Event) {
	if c.keyTraces == nil {
		c.keyTraces = make(map[string]keyTrace)
	}
	key := string(c.keyBytes(nil, e))
	before := c.keyTraces[key]
	c.keyTraces[key] = keyTrace{
		suspect: e.Suspect, eventCount: before.eventCount + 1, at: e.Time,
		deleted: e.Op == change.Delete, afterUpsert: before.eventCount > 0 && !before.deleted,
	}
}

// mustSeeWrites reports whether an event depends on rows that the chunk writes: the chunk has an
// event of its key, and either the last such event or this one may be a repetition, or this one has
// values that are assumed to be unchanged, which only PostgreSQL can verify.
func (c *Chunk) mustSeeWrites(e *change.Event) bool {
	before, known := c.keyTraces[string(c.keyBytes(nil, e))]
	return known && (before.suspect || e.Suspect || e.HasAssumedUnchanged())
}

// hidesOldKey reports whether the version with an event's unavailable values, under its old key,
// can't be found before the chunk is written. It can be found if the chunk has no event of the old
// key, or if the last one is the delete of this change of key, is not a suspect and does not follow
// another delete. The database shows whether that delete ends a version.
func (c *Chunk) hidesOldKey(e *change.Event) bool {
	if e.OldKey == nil || len(c.keyTraces) == 0 || !e.HasUnavailable() {
		return false
	}
	old, known := c.keyTraces[string(c.oldKeyBytes(nil, e))]
	if !known {
		return false
	}
	return !old.deleted || old.suspect || old.at != e.Time || old.eventCount > 1 && !old.afterUpsert
}

// appendKeyCell appends the canonical form of cell k of the key, in the type by which it is
// compared.
func (c *Chunk) appendKeyCell(dst []byte, k int, cell change.Cell) []byte {
	if arriving := c.KeyColumns[k].Type; arriving != c.keyTypes[k] {
		return datatype.KeyTextBytes(dst, arriving, cell)
	}
	return datatype.KeyBytes(dst, c.keyTypes[k], cell)
}

// keyBytes appends the identity of an event's row: its origin and the canonical form of its key.
func (c *Chunk) keyBytes(dst []byte, e *change.Event) []byte {
	dst = append(dst, e.Origin...)
	dst = append(dst, 0)
	for k, at := range e.Shape.Key {
		dst = c.appendKeyCell(dst, k, e.Row.Cell(at))
	}
	return dst
}

// oldKeyBytes is keyBytes for the old key of an event, which has its cells in the order of the key.
func (c *Chunk) oldKeyBytes(dst []byte, e *change.Event) []byte {
	dst = append(append(dst, e.Origin...), 0)
	rest := e.OldKey
	for k := range e.Shape.Key {
		var cell change.Cell
		cell, rest = rest.Next()
		dst = c.appendKeyCell(dst, k, cell)
	}
	return dst
}
