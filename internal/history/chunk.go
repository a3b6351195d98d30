package history

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
	// key are the indexes, in the table's columns, of the columns that
	// identify the rows, and keyColumns the same columns as they arrive.
	key        []int
	keyColumns []change.Column
	// keyTypes are those by which values of the key are told apart.
	keyTypes []change.Type
	// shape is that of the upserts, nil if there are none.
	shape *change.Shape
	// fields are what a row of the chunk brings: the columns of the shape, or
	// those of the key if there are only deletes.
	fields []field
	// kept are fields of the upserts, rows of a snapshot, that are not stored: the
	// columns that only snapshots bring. What is stored stays.
	kept []int
	// omitted are fields that an update has as NULL though the source may have them
	// unchanged; guessed are columns in which that was taken for unavailable.
	omitted []int
	guessed map[int]bool
	// plain says that every value is stored in the type in which it arrives.
	plain bool
	// keys has what the events so far did to their keys, if it is asked for.
	keys map[string]trace
	// phase counts the type changes before the upserts.
	phase int
}

// field is one value of a row on its way into a column.
type field struct {
	// column is the index of the table's column.
	column int
	// key is the field's place in the key, or none.
	key int
	// path are the types that the value passes through: as it arrives first,
	// as it is stored last. Neighbours differ.
	path []change.Type
}

// cut makes chunks of a table's events. A chunk ends where the next event can't
// be applied together with it: a truncate, other columns or types, another
// identity, a change of type in between, or something that has to be looked for
// among what the chunk itself writes: a repetition, or the version under an old
// key that an event's unavailable values come from.
func cut(t *target, events []change.Event) []*chunk {
	var chunks []*chunk
	var current *chunk
	// Keys are only traced where they may be asked for.
	traced := slices.ContainsFunc(t.events, func(i int) bool { return events[i].Suspect || events[i].OldKey != nil || events[i].Guesses() })
	// Where only PostgreSQL knows which keys are equal, it sees one at a time.
	single := t.hasCollatedKey()
	for _, i := range t.events {
		e := &events[i]
		if e.Op == change.Truncate {
			chunks = append(chunks, &chunk{events: []int{i}, truncate: true})
			current = nil
			continue
		}
		phase := t.phase(i)
		if current == nil || single || !current.accepts(e, phase) || !current.keeps(t, e) || traced && (current.knows(e) || current.hidesOldKey(e)) {
			current = newChunk(t, e)
			chunks = append(chunks, current)
		}
		current.add(t, e, i, phase, traced)
	}
	return chunks
}

// hasCollatedKey reports whether a column of the key has a nondeterministic collation.
func (t *target) hasCollatedKey() bool {
	return slices.ContainsFunc(t.table.Key, func(at int) bool { return t.table.Columns[at].Collation != "" })
}

// phase returns how many of the table's type changes come before an event.
func (t *target) phase(event int) int {
	n := 0
	for _, step := range t.delta.Steps {
		if step.Event <= event {
			n++
		}
	}
	return n
}

// toldApart returns the type by which the arriving values of a key's column are
// told apart: stored as text, 2 and 2.0 are two keys.
func (t *target) toldApart(column int, arriving change.Type) change.Type {
	if column != none && t.table.Columns[column].Type == change.Text {
		return change.Text
	}
	return arriving
}

func newChunk(t *target, e *change.Event) *chunk {
	c := &chunk{}
	for _, at := range e.Shape.Key {
		column := e.Shape.Columns[at]
		c.key = append(c.key, t.table.Column(column.Name))
		c.keyColumns = append(c.keyColumns, column)
		c.keyTypes = append(c.keyTypes, t.toldApart(c.key[len(c.key)-1], column.Type))
	}
	return c
}

// without returns the chunk without some of its events, which are in order.
func (c *chunk) without(events []int) *chunk {
	rest := *c
	rest.events = slices.DeleteFunc(slices.Clone(c.events), func(i int) bool {
		_, found := slices.BinarySearch(events, i)
		return found
	})
	return &rest
}

// accepts reports whether an event can be applied together with the chunk.
func (c *chunk) accepts(e *change.Event, phase int) bool {
	if e.Op == change.Upsert && c.shape != nil {
		return phase == c.phase && (e.Shape == c.shape || sameColumns(e.Shape, c.shape))
	}
	return c.sameKey(e)
}

// keeps reports whether the chunk treats the columns that only snapshots bring as
// the event has to.
func (c *chunk) keeps(t *target, e *change.Event) bool {
	return e.Op != change.Upsert || c.shape == nil || len(t.table.Carried) == 0 || slices.Equal(c.kept, t.kept(e))
}

// kept returns the fields of an event whose columns only snapshots bring. A
// snapshot that is read again would give them, and the next change take them away.
func (t *target) kept(e *change.Event) []int {
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

func sameColumns(a, b *change.Shape) bool {
	return slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Key, b.Key)
}

// sameKey reports whether the event's key has the columns of the chunk's.
func (c *chunk) sameKey(e *change.Event) bool {
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

// add adds an event that the chunk accepts.
func (c *chunk) add(t *target, e *change.Event, i, phase int, traced bool) {
	c.events = append(c.events, i)
	if traced {
		c.trace(e)
	}
	if e.Op == change.Upsert && c.shape == nil {
		c.shape, c.phase, c.kept = e.Shape, phase, t.kept(e)
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
			if c.guessed == nil {
				c.guessed = make(map[int]bool)
			}
			c.guessed[c.fields[at].column] = true
		case !slices.Contains(c.omitted, at):
			c.omitted = append(c.omitted, at)
		}
	}
}

// setFields says what rows with these columns bring, as of an event.
func (c *chunk) setFields(t *target, columns []change.Column, event int) {
	c.fields, c.plain = make([]field, len(columns)), true
	for i, column := range columns {
		at := t.table.Column(column.Name)
		c.fields[i] = field{column: at, key: slices.Index(c.key, at), path: t.path(at, column.Type, event)}
		c.plain = c.plain && len(c.fields[i].path) == 1
	}
}

// path returns the types that a value passes through on its way into a column:
// its own, the column's at the time of its event, and those that the column got
// later in the batch. Neighbours differ.
func (t *target) path(column int, own change.Type, event int) []change.Type {
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
