package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/target/plan"
	"metadb/internal/transform/jsonmap"
)

// Where the documents say which transformed rows there were and which there are
// now, nothing has to be asked of a transformed table, and nothing compared in it:
// the rows that differ are ended by their keys, and the new ones are copied. What
// the database finds otherwise (a row that is not there, one too many) makes them
// events, which ask.

// childReplacement is what is to be done with a transformed table.
type childReplacement struct {
	*transformedUpdate
	table  int
	shapes *jsonmap.Shapes
	// removed are the rows that were there, added those that are there now.
	removed, added []replacedRow
}

// errUnexpectedRows says that a transformed table is not what the documents say.
var errUnexpectedRows = errors.New("transformed rows are not what the documents say")

// replaceTransformed replaces the rows of a transformed table of which all is known. Those
// that it can't replace become events.
func (d *transformedUpdate) replaceTransformed(ctx context.Context, table int) error {
	if len(d.replacedRows[table]) == 0 {
		return nil
	}
	s := &childReplacement{transformedUpdate: d, table: table, shapes: d.layout.Shapes(table, d.folded.chunk.keyColumns)}
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
	var refused *pgconn.PgError
	if errors.Is(err, errUnexpectedRows) || errors.As(err, &refused) && refused.Code == uniqueViolation {
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

// collectRows finds out which rows end and which begin. Rows with the same values do
// neither; those whose keys have a NULL become events, since no index finds them
// by an equality.
func (s *childReplacement) collectRows() {
	for _, row := range s.replacedRows[s.table] {
		o, n := int(row.old), int(row.new)
		switch {
		case o != none && n != none && s.shapes.IsSameStored(s.kept, o, s.newer, n, s.table):
			continue
		case o != none && s.hasNullKey(row):
			s.convertToEvent(row)
			continue
		case o != none:
			s.removed = append(s.removed, row)
		}
		if n != none {
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
	return nullsOfRow(head.Shape, head.Row) != 0
}

// parentEvent is the first event of a row's parent.
func (s *childReplacement) parentEvent(row replacedRow) *change.Event {
	return &s.batch.Events[s.folded.changes[s.effects[row.effect].head].event]
}

// versionEvent is the event of the version that a new row comes from.
func (s *childReplacement) versionEvent(row replacedRow) *change.Event {
	return &s.batch.Events[s.folded.changes[s.effects[row.effect].written[0].change].event]
}

// convertToEvents makes all rows events.
func (s *childReplacement) convertToEvents() {
	for _, row := range s.removed {
		s.convertToEvent(row)
	}
	for _, row := range s.added {
		if row.old == none {
			s.convertToEvent(row)
		}
	}
}

func (s *childReplacement) convertToEvent(row replacedRow) {
	effect := &s.effects[row.effect]
	out := childRow{parentChange: effect.head, from: s.kept, row: int(row.old), at: effect.end}
	if row.new != none {
		out = childRow{parentChange: effect.written[0].change, from: s.newer, row: int(row.new), upsert: true, at: effect.written[0].start}
	}
	s.childRows[s.table] = append(s.childRows[s.table], out)
}

// makePlanEvents returns events that say what the table has to be like.
func (s *childReplacement) makePlanEvents() []change.Event {
	var p planEvents
	e := change.Event{
		Op: change.Upsert, Table: childName(s.parent.table.Name, s.set.Targets[s.table]), Source: s.parent.table.Name, Shape: s.shapes.Upsert,
	}
	last := minTime
	for _, row := range s.added {
		if at := s.effects[row.effect].written[0].start; at != last {
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

// hasShapeTypes reports whether the columns of a shape are stored in their own types in a
// table that exists; columns that it does not have do not count.
func (s *childReplacement) hasShapeTypes(child *tableState, shape *change.Shape) bool {
	for _, column := range shape.Columns {
		if at := child.table.Column(column.Name); at >= 0 && child.table.Columns[at].Type != column.Type {
			return false
		}
	}
	return true
}

// canReplace reports whether rows can be replaced in the table as it is: it has the
// shape's columns, is identified by its key, which comes first, and no row begins in its past, where it could have
// to give way.
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
		return row.old == none && s.effects[row.effect].written[0].start <= t.LastEnd
	})
}
