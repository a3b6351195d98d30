package plan

import (
	"fmt"
	"slices"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// fitShape adds the columns that the table lacks, widens those that are too
// narrow, and follows a change of the key. It returns the columns that are new.
func (d *tableDraft) fitShape(event int, e *change.Event) (added []string) {
	for _, column := range e.Shape.Columns {
		at, known := d.columns[column.Name]
		if !known {
			d.addColumn(column, e)
			added = append(added, column.Name)
			continue
		}
		stored := d.after.Columns[at].Type
		if stored == change.UUID && column.Type == change.Text {
			continue
		}
		d.widenColumn(event, at, datatype.Widen(stored, column.Type))
	}
	d.fitKey(event, e)
	return added
}

func (d *tableDraft) addColumn(column change.Column, e *change.Event) {
	table := d.mutableTable()
	d.version++
	stored := d.storedName(column, e.Shape)
	d.columns[column.Name] = len(table.Columns)
	table.Columns = append(table.Columns, catalog.Column{Column: column, Stored: stored})
	table.UnmanagedColumns = slices.DeleteFunc(table.UnmanagedColumns, func(f catalog.Column) bool { return f.Stored == stored })
}

// storedName returns the name under which a new column is stored: its own where that is possible. A
// changed name must not be the own name of another column of the shape. A column of that name that
// Metadb did not create is taken over if it has the type.
func (d *tableDraft) storedName(column change.Column, shape *change.Shape) ident.Name {
	source := column.Name
	taken := func(name ident.Name) bool {
		return slices.ContainsFunc(d.after.UnmanagedColumns, func(f catalog.Column) bool { return f.Stored == name && f.Type != column.Type }) ||
			slices.ContainsFunc(d.after.Columns, func(c catalog.Column) bool { return c.Stored == name }) ||
			slices.ContainsFunc(shape.Columns, func(c change.Column) bool {
				return c.Name != source && ident.StoredColumn(c.Name) == name && string(name) == c.Name
			})
	}
	name := ident.StoredColumn(source)
	for taken(name) {
		name = ident.StoredColumn(string(name) + "_")
	}
	return name
}

// widenColumn changes a column's type before an event, if it is another one.
func (d *tableDraft) widenColumn(event, column int, to change.Type) {
	from := d.after.Columns[column].Type
	if from == to {
		return
	}
	d.version++
	d.mutableTable().Columns[column].Type = to
	d.steps = append(d.steps, TypeStep{Event: event, Column: column, From: from, To: to})
}

// fitKey makes the key of an event's shape the table's key. The source sends no events for rows
// that it dropped together with the former key; a snapshot that confirms its rows finds them.
func (d *tableDraft) fitKey(event int, e *change.Event) {
	shape := e.Shape
	key := make([]int, len(shape.Key))
	for i, at := range shape.Key {
		key[i] = d.columns[shape.Columns[at].Name]
	}
	if hasSameColumns(d.after.Key, key) {
		return
	}
	if len(d.after.Key) > 0 {
		d.warnings = append(d.warnings, fmt.Sprintf("table %s: the key has changed, rows are identified by %s, before by %s",
			d.name, columnNames(d.after, key), columnNames(d.after, d.after.Key)))
		if !d.after.IsTransformed() && !d.retried && !e.Suspect && (e.Snapshot == change.Streamed || !e.Confirm) {
			d.noteOutdated(Outdated{
				Event: event, Origin: e.Origin, Logged: true,
				Reason: fmt.Sprintf("the key has changed from %s to %s; rows that are gone at the source with the former key stay current",
					columnNames(d.after, d.after.Key), columnNames(d.after, key)),
			})
		}
	}
	d.version++
	d.mutableTable().Key = key
}

// hasSameColumns reports whether two keys have the same columns, in any order.
func hasSameColumns(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	return !slices.ContainsFunc(a, func(column int) bool { return !slices.Contains(b, column) })
}

// findTextsAtUUID returns where a shape has text for a column that is stored as
// uuid.
func (d *tableDraft) findTextsAtUUID(shape *change.Shape) []textAtUUID {
	var texts []textAtUUID
	for i, column := range shape.Columns {
		at := d.columns[column.Name]
		if column.Type == change.Text && d.after.Columns[at].Type == change.UUID {
			texts = append(texts, textAtUUID{cell: i, column: at})
		}
	}
	return texts
}

// fitTexts turns a uuid column into text before the first event with a text that is not a canonical
// UUID. Until then text and uuid are the same values, so that the time of the change does not
// matter.
func (d *tableDraft) fitTexts(event int, e *change.Event, known *fittedShape) {
	widened := false
	for _, text := range known.texts {
		if !holdsOnlyUUID(e, text.cell) {
			d.widenColumn(event, text.column, change.Text)
			widened = true
		}
	}
	if widened {
		*known = fittedShape{shape: e.Shape, version: d.version, texts: d.findTextsAtUUID(e.Shape)}
	}
}

// holdsOnlyUUID reports whether the event's value of a column, and that of its
// old key, can be stored as uuid.
func holdsOnlyUUID(e *change.Event, cell int) bool {
	if !isUUID(e.Row.Cell(cell)) {
		return false
	}
	at := slices.Index(e.Shape.Key, cell)
	return e.OldKey == nil || at < 0 || isUUID(e.OldKey.Cell(at))
}

func isUUID(cell change.Cell) bool {
	return cell.State != change.Present || datatype.CanonicalUUID(cell.Bytes)
}
