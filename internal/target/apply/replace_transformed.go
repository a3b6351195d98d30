package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/pgcode"
	"metadb/internal/target/plan"
	"metadb/internal/transform/jsonmap"
)

// Where the documents before and after a change are known, a transformed table need not be read or
// compared: rows that differ are ended by their keys, and the new ones are copied. If the table
// turns out not to match the documents (a row is missing, or one exists already), the rows become
// events, which are compared with the table.

// childReplacement has the rows that are ended and added in one transformed table.
type childReplacement struct {
	*transformedUpdate
	table  int
	shapes *jsonmap.Shapes
	// removed are the rows to be ended, with or without a successor; added are the new rows.
	removed, added []replacedRow
}

// errUnexpectedRows is the error for a transformed table that does not match the documents.
var errUnexpectedRows = errors.New("transformed rows are not what the documents say")

// replaceTransformed replaces the rows of a transformed table for which both documents are known.
// Rows that it can't replace become events.
func (d *transformedUpdate) replaceTransformed(ctx context.Context, table int) error {
	if len(d.replacedRows[table]) == 0 {
		return nil
	}
	s := &childReplacement{transformedUpdate: d, table: table, shapes: d.layout.Shapes(table, d.folded.Chunk.KeyColumns)}
	s.collectRows()
	if len(s.removed) == 0 && len(s.added) == 0 {
		return nil
	}
	child := d.childState(childName(d.parent.table.Name, d.set.Targets[table]))
	if child != nil && !s.hasShapeTypes(child, s.shapes.Delete) {
		s.convertToEvents()
		return nil
	}
	child, err := d.prepareChild(ctx, table, s.makePlanEvents())
	if child == nil || err != nil {
		return err
	}
	if !s.canReplace(child) {
		s.convertToEvents()
		return nil
	}
	before := *child
	sub := d.newChildTx(nil)
	err = d.withSavepoint(ctx, func() error { return s.writeRows(ctx, sub, child) })
	if errors.Is(err, errUnexpectedRows) || pgcode.IsUniqueViolation(err) {
		*child = before
		s.convertToEvents()
		return nil
	}
	if err != nil {
		return fmt.Errorf("apply to %s: %w", child.table.Name, err)
	}
	d.addChildOutcome(sub)
	child.delta = plan.Delta{}
	return nil
}

// collectRows finds the rows that end and that begin. Rows with the same values are skipped. Rows
// with a NULL in their keys become events, since an index finds no NULL by equality.
func (s *childReplacement) collectRows() {
	for _, row := range s.replacedRows[s.table] {
		o, n := int(row.old), int(row.new)
		switch {
		case o != history.None && n != history.None && s.shapes.IsSameStored(s.kept, o, s.newer, n, s.table):
			continue
		case o != history.None && s.hasNullKey(row):
			s.convertToEvent(row)
			continue
		case o != history.None:
			s.removed = append(s.removed, row)
		}
		if n != history.None {
			s.added = append(s.added, row)
		}
	}
}

// hasNullKey reports whether the key of an old row has a NULL.
func (s *childReplacement) hasNullKey(row replacedRow) bool {
	if !s.shapes.HasAllPositions(s.kept, s.table, int(row.old)) {
		return true
	}
	head := s.parentEvent(row)
	return history.NullsOfRow(head.Shape, head.Row) != 0
}

// parentEvent returns the first event of a row's parent.
func (s *childReplacement) parentEvent(row replacedRow) *change.Event {
	return &s.batch.Events[s.folded.Changes[s.effects[row.effect].Head].Event]
}

// versionEvent returns the event of the parent version that a new row comes from.
func (s *childReplacement) versionEvent(row replacedRow) *change.Event {
	return &s.batch.Events[s.folded.Changes[s.effects[row.effect].Written[0].Change].Event]
}

// convertToEvents turns all rows into events.
func (s *childReplacement) convertToEvents() {
	for _, row := range s.removed {
		s.convertToEvent(row)
	}
	for _, row := range s.added {
		if row.old == history.None {
			s.convertToEvent(row)
		}
	}
}

func (s *childReplacement) convertToEvent(row replacedRow) {
	effect := &s.effects[row.effect]
	out := childRow{parentChange: effect.Head, from: s.kept, row: int(row.old), at: effect.End}
	if row.new != history.None {
		out = childRow{parentChange: effect.Written[0].Change, from: s.newer, row: int(row.new), upsert: true, at: effect.Written[0].Start}
	}
	s.childRows[s.table] = append(s.childRows[s.table], out)
}

// makePlanEvents returns events from which the table's schema can be planned.
func (s *childReplacement) makePlanEvents() []change.Event {
	var p planEvents
	e := change.Event{
		Op: change.Upsert, Table: childName(s.parent.table.Name, s.set.Targets[s.table]), Source: s.parent.table.Name, Shape: s.shapes.Upsert,
	}
	last := history.MinTime
	for _, row := range s.added {
		if at := s.effects[row.effect].Written[0].Start; at != last {
			e.Time, last = at, at
			p.addUpsert(&e)
		}
	}
	if p == nil {
		e.Op, e.Shape = change.Delete, s.shapes.Delete
		p = planEvents{e}
	}
	return p
}

// hasShapeTypes reports whether an existing table stores the columns of a shape in the shape's
// types. Columns that the table does not have are ignored.
func (s *childReplacement) hasShapeTypes(child *tableState, shape *change.Shape) bool {
	for _, column := range shape.Columns {
		if at := child.table.Column(column.Name); at >= 0 && child.table.Columns[at].Type != column.Type {
			return false
		}
	}
	return true
}

// canReplace reports whether rows can be replaced in the table as it is: it has the shape's
// columns, its key is unique and comes first in the shape, and no row without a predecessor begins
// at or before the table's last end, where it may overlap a version in history.
func (s *childReplacement) canReplace(child *tableState) bool {
	t := child.table
	if !t.UniqueKey || len(t.Key) != len(s.shapes.Delete.Key) || !s.hasShapeTypes(child, s.shapes.Upsert) {
		return false
	}
	for i, column := range s.shapes.Upsert.Columns {
		at := t.Column(column.Name)
		if at < 0 || i < len(s.shapes.Delete.Columns) && !slices.Contains(t.Key, at) {
			return false
		}
	}
	if t.LastEnd == 0 {
		return true
	}
	return !slices.ContainsFunc(s.added, func(row replacedRow) bool {
		return row.old == history.None && s.effects[row.effect].Written[0].Start <= t.LastEnd
	})
}
