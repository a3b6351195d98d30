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
	// keyIndexes are the indexes, in the table's columns, of the columns that
	// identify the rows, and keyColumns the same columns as they arrive.
	keyIndexes []int
	keyColumns []change.Column
	// keyTypes are those by which values of the key are told apart.
	keyTypes []change.Type
	// shape is that of the upserts, nil if there are none.
	shape *change.Shape
	// fields are what a row of the chunk brings: the columns of the shape, or
	// those of the key if there are only deletes.
	fields []chunkField
	// keptFields are fields of the upserts, rows of a snapshot, that are not stored: the
	// columns that only snapshots bring. What is stored stays.
	keptFields []int
	// omittedFields are fields that an update has as NULL though the source may have them
	// unchanged; assumedUnchanged are columns in which that was taken for unavailable.
	omittedFields    []int
	assumedUnchanged map[int]bool
	// unconverted says that every value is stored in the type in which it arrives.
	unconverted bool
	// keyTraces has what the events so far did to their keys, if it is asked for.
	keyTraces map[string]keyTrace
	// typePhase counts the type changes before the upserts.
	typePhase int
}

// chunkField is one value of a row on its way into a column.
type chunkField struct {
	// column is the index of the table's column.
	column int
	// keyIndex is the field's place in the key, or none.
	keyIndex int
	// typePath are the types that the value passes through: as it arrives first,
	// as it is stored last. Neighbours differ.
	typePath []change.Type
}

// splitChunks makes chunks of a table's events. A chunk ends where the next event can't
// be applied together with it: a truncate, other columns or types, another
// identity, a change of type in between, or something that has to be looked for
// among what the chunk itself writes: a repetition, or the version under an old
// key that an event's unavailable values come from.
func splitChunks(t *tableState, events []change.Event) []*chunk {
	var chunks []*chunk
	var current *chunk
	// Keys are only traced where they may be asked for.
	traced := slices.ContainsFunc(t.events, func(i int) bool {
		return events[i].Suspect || events[i].OldKey != nil || events[i].HasAssumedUnchanged()
	})
	// Where only PostgreSQL knows which keys are equal, it sees one at a time.
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

// hasCollatedKey reports whether a column of the key has a nondeterministic collation.
func (t *tableState) hasCollatedKey() bool {
	return slices.ContainsFunc(t.table.Key, func(at int) bool { return t.table.Columns[at].Collation != "" })
}

// typePhase returns how many of the table's type changes come before an event.
func (t *tableState) typePhase(event int) int {
	n := 0
	for _, step := range t.delta.Steps {
		if step.Event <= event {
			n++
		}
	}
	return n
}

// keyType returns the type by which the arriving values of a key's column are
// told apart: stored as text, 2 and 2.0 are two keys.
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

// withoutEvents returns the chunk without some of its events, which are in order.
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

// hasSameKeptFields reports whether the chunk treats the columns that only snapshots bring as
// the event has to.
func (c *chunk) hasSameKeptFields(t *tableState, e *change.Event) bool {
	return e.Op != change.Upsert || c.shape == nil || len(t.table.Carried) == 0 || slices.Equal(c.keptFields, t.keptFields(e))
}

// keptFields returns the fields of an event whose columns only snapshots bring. A
// snapshot that is read again would give them, and the next change take them away.
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

// hasSameKey reports whether the event's key has the columns of the chunk's.
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

// addEvent adds an event that the chunk accepts.
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

// noteOmitted notes which fields of an event are NULL, or unavailable, though the
// record says neither.
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

// setFields says what rows with these columns bring, as of an event.
func (c *chunk) setFields(t *tableState, columns []change.Column, event int) {
	c.fields, c.unconverted = make([]chunkField, len(columns)), true
	for i, column := range columns {
		at := t.table.Column(column.Name)
		c.fields[i] = chunkField{column: at, keyIndex: slices.Index(c.keyIndexes, at), typePath: t.typePath(at, column.Type, event)}
		c.unconverted = c.unconverted && len(c.fields[i].typePath) == 1
	}
}

// typePath returns the types that a value passes through on its way into a column:
// its own, the column's at the time of its event, and those that the column got
// later in the batch. Neighbours differ.
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
