package history

import (
	"slices"

	"metadb/internal/change"
)

// Chunk is a run of events of one table that can be applied as a set.
type Chunk struct {
	// Events are indexes into the batch, in order.
	Events []int
	// Truncate is set for a chunk that is a single truncate.
	Truncate bool
	// KeyIndexes are the indexes, in the table's columns, of the columns that identify the rows.
	// KeyColumns are the same columns in the types of the events.
	KeyIndexes []int
	KeyColumns []change.Column
	// keyTypes are the types by which key values are compared.
	keyTypes []change.Type
	// Shape is the shape of the upserts, or nil without upserts.
	Shape *change.Shape
	// Fields are the fields of a row of the chunk: the columns of the shape, or those of the key if
	// there are only deletes.
	Fields []ChunkField
	// KeptFields are the fields of snapshot rows that are not stored, because only snapshots have
	// their columns. The stored values stay.
	KeptFields []int
	// OmittedFields are fields that are NULL in an update although the source may have an unchanged
	// value. AssumedUnchanged are the columns in which such a NULL is read as unavailable.
	OmittedFields    []int
	AssumedUnchanged map[int]bool
	// Unconverted is true if every value is stored in the type that it has in the event.
	Unconverted bool
	// keyTraces has the effects of the events so far on their keys. It is nil if no event needs it.
	keyTraces map[string]keyTrace
	// typePhase counts the type changes before the upserts.
	typePhase int
}

// ChunkField is one field of a chunk's rows, and the column that stores it.
type ChunkField struct {
	// Column is the index of the table's column.
	Column int
	// KeyIndex is the index of the field in the key, or -1.
	KeyIndex int
	// TypePath are the types that a value is converted to: first its own type, last the stored one.
	// Adjacent types differ.
	TypePath []change.Type
}

// SplitChunks returns the chunks of a table's events, which indexes selects, in order. A chunk ends before an event that can't be
// applied together with it: a truncate; an event with other columns, types or identity; an event
// after a type change; and an event that depends on rows that the chunk writes, such as a
// repetition, or one with an old key that has the version with its unavailable values.
func SplitChunks(t Target, indexes []int, events []change.Event) []*Chunk {
	var chunks []*Chunk
	var current *Chunk
	// Keys are traced only if an event may need it.
	traced := slices.ContainsFunc(indexes, func(i int) bool {
		return events[i].Suspect || events[i].OldKey != nil || events[i].HasAssumedUnchanged()
	})
	// If only PostgreSQL can decide which keys are equal, each event gets its own chunk.
	single := t.hasCollatedKey()
	for _, i := range indexes {
		e := &events[i]
		if e.Op == change.Truncate {
			chunks = append(chunks, &Chunk{Events: []int{i}, Truncate: true})
			current = nil
			continue
		}
		phase := t.typePhase(i)
		if current == nil || single || !current.acceptsEvent(e, phase) || !current.hasSameKeptFields(t, e) || traced && (current.mustSeeWrites(e) || current.hidesOldKey(e)) {
			current = NewChunk(t, e)
			chunks = append(chunks, current)
		}
		current.addEvent(t, e, i, phase, traced)
	}
	return chunks
}

// NewChunk returns an empty chunk for events with the key columns of an event.
func NewChunk(t Target, e *change.Event) *Chunk {
	c := &Chunk{}
	for _, at := range e.Shape.Key {
		column := e.Shape.Columns[at]
		c.KeyIndexes = append(c.KeyIndexes, t.Table.Column(column.Name))
		c.KeyColumns = append(c.KeyColumns, column)
		c.keyTypes = append(c.keyTypes, t.keyType(c.KeyIndexes[len(c.KeyIndexes)-1], column.Type))
	}
	return c
}

// KeyChunk returns a chunk of the keys of events that have the key columns of c, without their other
// values.
func (c *Chunk) KeyChunk(t Target, events []int) *Chunk {
	only := &Chunk{Events: events, KeyIndexes: c.KeyIndexes, KeyColumns: c.KeyColumns}
	only.setFields(t, only.KeyColumns, events[0])
	return only
}

// WithoutEvents returns the chunk without the given events, which are sorted.
func (c *Chunk) WithoutEvents(events []int) *Chunk {
	rest := *c
	rest.Events = slices.DeleteFunc(slices.Clone(c.Events), func(i int) bool {
		_, found := slices.BinarySearch(events, i)
		return found
	})
	return &rest
}

// acceptsEvent reports whether an event can be applied together with the chunk.
func (c *Chunk) acceptsEvent(e *change.Event, phase int) bool {
	if e.Op == change.Upsert && c.Shape != nil {
		return phase == c.typePhase && (e.Shape == c.Shape || hasSameColumns(e.Shape, c.Shape))
	}
	return c.HasSameKey(e)
}

// hasSameKeptFields reports whether the event has the kept fields of the chunk.
func (c *Chunk) hasSameKeptFields(t Target, e *change.Event) bool {
	return e.Op != change.Upsert || c.Shape == nil || len(t.Table.Carried) == 0 || slices.Equal(c.KeptFields, t.keptFields(e))
}

func hasSameColumns(a, b *change.Shape) bool {
	return slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Key, b.Key)
}

// HasSameKey reports whether the event's key columns are those of the chunk.
func (c *Chunk) HasSameKey(e *change.Event) bool {
	if len(e.Shape.Key) != len(c.KeyColumns) {
		return false
	}
	for k, at := range e.Shape.Key {
		if e.Shape.Columns[at] != c.KeyColumns[k] {
			return false
		}
	}
	return true
}

// addEvent adds an event that acceptsEvent has accepted.
func (c *Chunk) addEvent(t Target, e *change.Event, i, phase int, traced bool) {
	c.Events = append(c.Events, i)
	if traced {
		c.traceKey(e)
	}
	if e.Op == change.Upsert && c.Shape == nil {
		c.Shape, c.typePhase, c.KeptFields = e.Shape, phase, t.keptFields(e)
		c.setFields(t, e.Shape.Columns, i)
	} else if c.Fields == nil {
		c.setFields(t, c.KeyColumns, i)
	}
	if e.Omitted != nil {
		c.noteOmitted(e)
	}
}

// noteOmitted records the fields in which the event's NULL, or unavailable value, is an assumption
// and not a value of the record.
func (c *Chunk) noteOmitted(e *change.Event) {
	for _, at := range e.Omitted {
		switch {
		case e.Row.Cell(at).State == change.Unavailable:
			if c.AssumedUnchanged == nil {
				c.AssumedUnchanged = make(map[int]bool)
			}
			c.AssumedUnchanged[c.Fields[at].Column] = true
		case !slices.Contains(c.OmittedFields, at):
			c.OmittedFields = append(c.OmittedFields, at)
		}
	}
}

// setFields sets the fields of rows with the given columns, with the conversions that are needed
// from the event on.
func (c *Chunk) setFields(t Target, columns []change.Column, event int) {
	c.Fields, c.Unconverted = make([]ChunkField, len(columns)), true
	for i, column := range columns {
		at := t.Table.Column(column.Name)
		c.Fields[i] = ChunkField{Column: at, KeyIndex: slices.Index(c.KeyIndexes, at), TypePath: t.typePath(at, column.Type, event)}
		c.Unconverted = c.Unconverted && len(c.Fields[i].TypePath) == 1
	}
}

// SplitHalves returns the two halves of a chunk of several events, in order.
func (c *Chunk) SplitHalves() [2]*Chunk {
	middle := len(c.Events) / 2
	first, second := *c, *c
	first.Events, second.Events = c.Events[:middle], c.Events[middle:]
	return [2]*Chunk{&first, &second}
}
