package apply

import (
	"slices"

	"metadb/internal/change"
)

// chunk is a run of events of one table that can be applied as a set.
type chunk struct {
	// events are indexes into the batch, in order.
	events []int
	// truncate is set for a chunk that is a single truncate.
	truncate bool
	// keyIndexes are the indexes, in the table's columns, of the columns that identify the rows.
	// keyColumns are the same columns in the types of the events.
	keyIndexes []int
	keyColumns []change.Column
	// keyTypes are the types by which key values are compared.
	keyTypes []change.Type
	// shape is the shape of the upserts, or nil without upserts.
	shape *change.Shape
	// fields are the fields of a row of the chunk: the columns of the shape, or those of the key if
	// there are only deletes.
	fields []chunkField
	// keptFields are the fields of snapshot rows that are not stored, because only snapshots have
	// their columns. The stored values stay.
	keptFields []int
	// omittedFields are fields that are NULL in an update although the source may have an unchanged
	// value. assumedUnchanged are the columns in which such a NULL is read as unavailable.
	omittedFields    []int
	assumedUnchanged map[int]bool
	// unconverted is true if every value is stored in the type that it has in the event.
	unconverted bool
	// keyTraces has the effects of the events so far on their keys. It is nil if no event needs it.
	keyTraces map[string]keyTrace
	// typePhase counts the type changes before the upserts.
	typePhase int
}

// chunkField is one field of a chunk's rows, and the column that stores it.
type chunkField struct {
	// column is the index of the table's column.
	column int
	// keyIndex is the index of the field in the key, or -1.
	keyIndex int
	// typePath are the types that a value is converted to: first its own type, last the stored one.
	// Adjacent types differ.
	typePath []change.Type
}

// splitChunks returns the chunks of a table's events. A chunk ends before an event that can't be
// applied together with it: a truncate; an event with other columns, types or identity; an event
// after a type change; and an event that depends on rows that the chunk writes, such as a
// repetition, or one with an old key that has the version with its unavailable values.
func splitChunks(t *tableState, events []change.Event) []*chunk {
	var chunks []*chunk
	var current *chunk
	// Keys are traced only if an event may need it.
	traced := slices.ContainsFunc(t.events, func(i int) bool {
		return events[i].Suspect || events[i].OldKey != nil || events[i].HasAssumedUnchanged()
	})
	// If only PostgreSQL can decide which keys are equal, each event gets its own chunk.
	single := t.hasCollatedKey()
	for _, i := range t.events {
		e := &events[i]
		if e.Op == change.Truncate {
			chunks = append(chunks, &chunk{events: []int{i}, truncate: true})
			current = nil
			continue
		}
		phase := t.typePhase(i)
		if current == nil || single || !current.acceptsEvent(e, phase) || !current.hasSameKeptFields(t, e) || traced && (current.mustSeeWrites(e) || current.hidesOldKey(e)) {
			current = newChunk(t, e)
			chunks = append(chunks, current)
		}
		current.addEvent(t, e, i, phase, traced)
	}
	return chunks
}

// hasCollatedKey reports whether a key column has a nondeterministic collation.
func (t *tableState) hasCollatedKey() bool {
	return slices.ContainsFunc(t.table.Key, func(at int) bool { return t.table.Columns[at].Collation != "" })
}

// typePhase returns the number of type changes of the table up to an event.
func (t *tableState) typePhase(event int) int {
	n := 0
	for _, step := range t.delta.Steps {
		if step.Event <= event {
			n++
		}
	}
	return n
}

// keyType returns the type by which the values of a key column are compared. Stored as text, 2 and
// 2.0 are two keys.
func (t *tableState) keyType(column int, arriving change.Type) change.Type {
	if column != none && t.table.Columns[column].Type == change.Text {
		return change.Text
	}
	return arriving
}

func newChunk(t *tableState, e *change.Event) *chunk {
	c := &chunk{}
	for _, at := range e.Shape.Key {
		column := e.Shape.Columns[at]
		c.keyIndexes = append(c.keyIndexes, t.table.Column(column.Name))
		c.keyColumns = append(c.keyColumns, column)
		c.keyTypes = append(c.keyTypes, t.keyType(c.keyIndexes[len(c.keyIndexes)-1], column.Type))
	}
	return c
}

// withoutEvents returns the chunk without the given events, which are sorted.
func (c *chunk) withoutEvents(events []int) *chunk {
	rest := *c
	rest.events = slices.DeleteFunc(slices.Clone(c.events), func(i int) bool {
		_, found := slices.BinarySearch(events, i)
		return found
	})
	return &rest
}

// acceptsEvent reports whether an event can be applied together with the chunk.
func (c *chunk) acceptsEvent(e *change.Event, phase int) bool {
	if e.Op == change.Upsert && c.shape != nil {
		return phase == c.typePhase && (e.Shape == c.shape || hasSameColumns(e.Shape, c.shape))
	}
	return c.hasSameKey(e)
}

// hasSameKeptFields reports whether the event has the kept fields of the chunk.
func (c *chunk) hasSameKeptFields(t *tableState, e *change.Event) bool {
	return e.Op != change.Upsert || c.shape == nil || len(t.table.Carried) == 0 || slices.Equal(c.keptFields, t.keptFields(e))
}

// keptFields returns the fields of a snapshot row that are kept, because only snapshots have their
// columns. A repeated snapshot would write them, and the next change would remove them.
func (t *tableState) keptFields(e *change.Event) []int {
	if e.Snapshot == change.Streamed || len(t.table.Carried) == 0 {
		return nil
	}
	only := t.table.Carried[e.Origin].SnapshotOnly
	if len(only) == 0 {
		return nil
	}
	var fields []int
	for i, column := range e.Shape.Columns {
		if _, found := slices.BinarySearch(only, column.Name); found && !slices.Contains(e.Shape.Key, i) {
			fields = append(fields, i)
		}
	}
	return fields
}

func hasSameColumns(a, b *change.Shape) bool {
	return slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Key, b.Key)
}

// hasSameKey reports whether the event's key columns are those of the chunk.
func (c *chunk) hasSameKey(e *change.Event) bool {
	if len(e.Shape.Key) != len(c.keyColumns) {
		return false
	}
	for k, at := range e.Shape.Key {
		if e.Shape.Columns[at] != c.keyColumns[k] {
			return false
		}
	}
	return true
}

// addEvent adds an event that acceptsEvent has accepted.
func (c *chunk) addEvent(t *tableState, e *change.Event, i, phase int, traced bool) {
	c.events = append(c.events, i)
	if traced {
		c.traceKey(e)
	}
	if e.Op == change.Upsert && c.shape == nil {
		c.shape, c.typePhase, c.keptFields = e.Shape, phase, t.keptFields(e)
		c.setFields(t, e.Shape.Columns, i)
	} else if c.fields == nil {
		c.setFields(t, c.keyColumns, i)
	}
	if e.Omitted != nil {
		c.noteOmitted(e)
	}
}

// noteOmitted records the fields in which the event's NULL, or unavailable value, is an assumption
// and not a value of the record.
func (c *chunk) noteOmitted(e *change.Event) {
	for _, at := range e.Omitted {
		switch {
		case e.Row.Cell(at).State == change.Unavailable:
			if c.assumedUnchanged == nil {
				c.assumedUnchanged = make(map[int]bool)
			}
			c.assumedUnchanged[c.fields[at].column] = true
		case !slices.Contains(c.omittedFields, at):
			c.omittedFields = append(c.omittedFields, at)
		}
	}
}

// setFields sets the fields of rows with the given columns, with the conversions that are needed
// from the event on.
func (c *chunk) setFields(t *tableState, columns []change.Column, event int) {
	c.fields, c.unconverted = make([]chunkField, len(columns)), true
	for i, column := range columns {
		at := t.table.Column(column.Name)
		c.fields[i] = chunkField{column: at, keyIndex: slices.Index(c.keyIndexes, at), typePath: t.typePath(at, column.Type, event)}
		c.unconverted = c.unconverted && len(c.fields[i].typePath) == 1
	}
}

// typePath returns the types that a value is converted to on its way into a column: its own type,
// the column's type at its event, and the later types of the column in the batch. Adjacent types
// differ.
func (t *tableState) typePath(column int, own change.Type, event int) []change.Type {
	path := []change.Type{own}
	pass := func(to change.Type) {
		if path[len(path)-1] != to {
			path = append(path, to)
		}
	}
	later := false
	for _, step := range t.delta.Steps {
		if step.Column != column || step.Event <= event {
			continue
		}
		if !later {
			pass(step.From)
			later = true
		}
		pass(step.To)
	}
	pass(t.table.Columns[column].Type)
	return path
}
