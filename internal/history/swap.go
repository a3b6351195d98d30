package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/plan"
	"metadb/internal/transform"
)

// Where the documents say which transformed rows there were and which there are
// now, nothing has to be asked of a transformed table, and nothing compared in it:
// the rows that differ are ended by their keys, and the new ones are copied. What
// the database finds otherwise (a row that is not there, one too many) makes them
// events, which ask.

// swap is what is to be done with a transformed table.
type swap struct {
	*descent
	table  int
	shapes *transform.Shapes
	// over are the rows that were there, begun those that are there now.
	over, begun []swapRow
}

// errNotSwapped says that a transformed table is not what the documents say.
var errNotSwapped = errors.New("transformed rows are not what the documents say")

// writeSwaps exchanges the rows of a transformed table of which all is known. Those
// that it can't exchange become events.
func (d *descent) writeSwaps(ctx context.Context, table int) error {
	if len(d.swaps[table]) == 0 {
		return nil
	}
	s := &swap{descent: d, table: table, shapes: d.layout.Shapes(table, d.folded.chunk.keyColumns)}
	s.collect()
	if len(s.over) == 0 && len(s.begun) == 0 {
		return nil
	}
	child := d.child(childName(d.parent.table.Name, d.set.Targets[table]))
	if child != nil && !s.suits(child, s.shapes.Delete) {
		s.asEvents()
		return nil
	}
	child, err := d.fit(ctx, table, s.planned())
	if child == nil || err != nil {
		return err
	}
	if !s.possible(child) {
		s.asEvents()
		return nil
	}
	before := *child
	sub := d.sub(nil)
	err = d.savepoint(ctx, func() error { return s.write(ctx, sub, child) })
	var refused *pgconn.PgError
	if errors.Is(err, errNotSwapped) || errors.As(err, &refused) && refused.Code == uniqueViolation {
		*child = before
		s.asEvents()
		return nil
	}
	if err != nil {
		return fmt.Errorf("apply to %s: %w", child.table.Name, err)
	}
	d.account(sub)
	child.delta = plan.Delta{}
	return nil
}

// collect finds out which rows end and which begin. Rows with the same values do
// neither; those whose keys have a NULL become events, since no index finds them
// by an equality.
func (s *swap) collect() {
	for _, row := range s.swaps[s.table] {
		o, n := int(row.old), int(row.new)
		switch {
		case o != none && n != none && s.shapes.Same(s.kept, o, s.newer, n, s.table):
			continue
		case o != none && s.hasNull(row):
			s.asEvent(row)
			continue
		case o != none:
			s.over = append(s.over, row)
		}
		if n != none {
			s.begun = append(s.begun, row)
		}
	}
}

// hasNull reports whether the key of an old row has a NULL.
func (s *swap) hasNull(row swapRow) bool {
	if !s.shapes.Whole(s.kept, s.table, int(row.old)) {
		return true
	}
	head := s.head(row)
	return nullsIn(head.Shape, head.Row) != 0
}

// head is the first event of a row's parent.
func (s *swap) head(row swapRow) *change.Event {
	return &s.batch.Events[s.folded.items[s.lines[row.line].item].event]
}

// begunBy is the event of the version that a new row comes from.
func (s *swap) begunBy(row swapRow) *change.Event {
	return &s.batch.Events[s.folded.items[s.lines[row.line].begun[0].item].event]
}

// asEvents makes all rows events.
func (s *swap) asEvents() {
	for _, row := range s.over {
		s.asEvent(row)
	}
	for _, row := range s.begun {
		if row.old == none {
			s.asEvent(row)
		}
	}
}

func (s *swap) asEvent(row swapRow) {
	line := &s.lines[row.line]
	out := childRow{item: line.item, from: s.kept, row: int(row.old), at: line.end}
	if row.new != none {
		out = childRow{item: line.begun[0].item, from: s.newer, row: int(row.new), upsert: true, at: line.begun[0].start}
	}
	s.rows[s.table] = append(s.rows[s.table], out)
}

// planned returns events that say what the table has to be like.
func (s *swap) planned() []change.Event {
	var p planned
	e := change.Event{
		Op: change.Upsert, Table: childName(s.parent.table.Name, s.set.Targets[s.table]), Source: s.parent.table.Name, Shape: s.shapes.Upsert,
	}
	last := never
	for _, row := range s.begun {
		if at := s.lines[row.line].begun[0].start; at != last {
			e.Time, last = at, at
			p.upsert(&e)
		}
	}
	if p == nil {
		e.Op, e.Shape = change.Delete, s.shapes.Delete
		p = planned{e}
	}
	return p
}

// suits reports whether the columns of a shape are stored in their own types in a
// table that exists; columns that it does not have do not count.
func (s *swap) suits(child *target, shape *change.Shape) bool {
	for _, column := range shape.Columns {
		if at := child.table.Column(column.Name); at >= 0 && child.table.Columns[at].Type != column.Type {
			return false
		}
	}
	return true
}

// possible reports whether rows can be exchanged in the table as it is: it has the
// shape's columns, is identified by its key, which comes first, and no row begins in its past, where it could have
// to give way.
func (s *swap) possible(child *target) bool {
	t := child.table
	if !t.Guarded || len(t.Key) != len(s.shapes.Delete.Key) || !s.suits(child, s.shapes.Upsert) {
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
	return !slices.ContainsFunc(s.begun, func(row swapRow) bool {
		return row.old == none && s.lines[row.line].begun[0].start <= t.LastEnd
	})
}
