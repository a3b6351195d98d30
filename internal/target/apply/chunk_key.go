package apply

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// keyTrace is what the events of a chunk did to one key.
type keyTrace struct {
	// suspect says that the last one may be a repetition.
	suspect bool
	// eventCount counts them. deleted says that the last one was a delete, with
	// that time, and afterUpsert that the one before it was an upsert.
	eventCount           int
	deleted, afterUpsert bool
	at                   change.Micros
}

// traceKey notes what an event does to its key.
func (c *chunk) traceKey(e *change.Event) {
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

// mustSeeWrites reports whether the event, or an earlier one of its key that may be a
// repetition, has to see what the chunk writes. One that guesses has to: only
// PostgreSQL says which values are long.
func (c *chunk) mustSeeWrites(e *change.Event) bool {
	before, known := c.keyTraces[string(c.keyBytes(nil, e))]
	return known && (before.suspect || e.Suspect || e.HasAssumedUnchanged())
}

// hidesOldKey reports whether the version under an event's old key that its
// unavailable values come from can't be told without seeing what the chunk
// writes. It can where the chunk has nothing of that key, or ends in it with the
// delete that is the other half of the change, and that is no repetition: whether
// it ends anything is for the database to say.
func (c *chunk) hidesOldKey(e *change.Event) bool {
	if e.OldKey == nil || len(c.keyTraces) == 0 || !e.HasUnavailable() {
		return false
	}
	old, known := c.keyTraces[string(c.oldKeyBytes(nil, e))]
	if !known {
		return false
	}
	return !old.deleted || old.suspect || old.at != e.Time || old.eventCount > 1 && !old.afterUpsert
}

// appendKeyCell appends the canonical form of a cell of the key, the k-th: as
// what it is stored it is told apart from others.
func (c *chunk) appendKeyCell(dst []byte, k int, cell change.Cell) []byte {
	if arriving := c.keyColumns[k].Type; arriving != c.keyTypes[k] {
		return datatype.KeyTextBytes(dst, arriving, cell)
	}
	return datatype.KeyBytes(dst, c.keyTypes[k], cell)
}

// keyBytes appends what identifies the row of an event: its origin and the
// canonical form of its key.
func (c *chunk) keyBytes(dst []byte, e *change.Event) []byte {
	dst = append(dst, e.Origin...)
	dst = append(dst, 0)
	for k, at := range e.Shape.Key {
		dst = c.appendKeyCell(dst, k, e.Row.Cell(at))
	}
	return dst
}

// oldKeyBytes is keyBytes for the key that an event's row had before: its cells
// are in the order of the key.
func (c *chunk) oldKeyBytes(dst []byte, e *change.Event) []byte {
	dst = append(append(dst, e.Origin...), 0)
	rest := e.OldKey
	for k := range e.Shape.Key {
		var cell change.Cell
		cell, rest = rest.Next()
		dst = c.appendKeyCell(dst, k, cell)
	}
	return dst
}
