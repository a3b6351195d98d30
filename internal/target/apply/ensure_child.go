package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/history"
	"metadb/internal/target/plan"
)

// prepareChild makes a transformed table fit the given events, and rebuilds its values if their
// type has changed. It returns nil if the table needs no rows or the events can't be applied.
func (d *transformedUpdate) prepareChild(ctx context.Context, table int, events []change.Event) (*tableState, error) {
	child, steps, err := d.ensureChild(ctx, d.parent.table, childName(d.parent.table.Name, d.set.Targets[table]), events)
	if child == nil || err != nil {
		return nil, err
	}
	return child, d.rebuildValues(ctx, table, child, steps)
}

// ensureChild makes a transformed table fit the events for it, and returns the type changes. The
// table is nil if there is no plan for it or the events can't be applied.
func (r *batchTx) ensureChild(ctx context.Context, parent *catalog.Table, name change.Table, events []change.Event) (*tableState, []plan.TypeStep, error) {
	child := r.childState(name)
	made := plan.MakeTransformed(parent, events, r.snapshotWithChildren(child))
	for _, warning := range made.Warnings {
		r.warnOnce(warning)
	}
	if len(made.Refused) > 0 || len(made.Deltas) == 0 {
		return nil, nil, nil
	}
	delta := made.Deltas[0]
	for i := range delta.Steps {
		delta.Steps[i].Event = 0 // all events are applied after the table is changed
	}
	if delta.IsEmpty() {
		child.delta = delta
		return child, nil, nil
	}
	var table *catalog.Table
	err := r.withSavepoint(ctx, func() (err error) {
		table, err = ddl.Execute(ctx, r.tx, delta, r.config.Logger)
		return err
	})
	var refused *pgconn.PgError
	if child == nil && isDuplicateRelation(err) && errors.As(err, &refused) {
		r.warnOnce(fmt.Sprintf("table %s can't be transformed: %s", parent.Name, refused.Message))
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := r.ensureReplicaIdentity(ctx, table); err != nil {
		return nil, nil, err
	}
	if child == nil {
		child = r.trackChild(&tableState{table: table, tableProfile: tableProfile{keysNew: true}})
	}
	table.LastEnd = child.table.LastEnd
	child.table, child.changed, child.delta = table, true, delta
	return child, delta.Steps, nil
}

// snapshotWithChildren returns the snapshot with the transformed tables in their present state, for
// the plan of one of them.
func (r *batchTx) snapshotWithChildren(child *tableState) *catalog.Snapshot {
	changed := child != nil && r.snapshot.Table(child.table.Name) != child.table
	for _, t := range r.childStates {
		changed = changed || r.snapshot.Table(t.table.Name) == nil
	}
	if !changed {
		return r.snapshot
	}
	var tables []*catalog.Table
	for t := range r.snapshot.All() {
		if r.childStates[t.Name] == nil {
			tables = append(tables, t)
		}
	}
	for _, t := range r.childStates {
		tables = append(tables, t.table)
	}
	return catalog.NewSnapshot(tables...)
}

// selectPlanEvents returns the events that the plan of a table needs, from events with one shape
// for upserts and one for deletes: an upsert for each year, and one with a key that is not a UUID.
// Without upserts it returns the first event.
func selectPlanEvents(events []change.Event) []change.Event {
	var p planEvents
	odd := false
	for i := range events {
		e := &events[i]
		if e.Op != change.Upsert {
			continue
		}
		p.addUpsert(e)
		if !odd && !hasUUIDs(e) {
			odd = true
			p = append(p, *e)
		}
	}
	if p == nil {
		return events[:1]
	}
	return p
}

// hasUUIDs reports whether every text column of an event's key has a canonical UUID or no value.
func hasUUIDs(e *change.Event) bool {
	for _, at := range e.Shape.Key {
		if e.Shape.Columns[at].Type != change.Text {
			continue
		}
		if cell := e.Row.Cell(at); cell.State == change.Present && !datatype.CanonicalUUID(cell.Bytes) {
			return false
		}
	}
	return true
}

// planEvents are events that determine the plan of a table.
type planEvents []change.Event

// addUpsert adds an upsert like e if there is no upsert in its year. Key columns are NULL and other
// texts are empty: an empty text is not a UUID, so that a column that is text in the shape stays
// text.
func (p *planEvents) addUpsert(e *change.Event) {
	y := history.YearOf(e.Time)
	for i := range *p {
		if history.YearOf((*p)[i].Time) == y {
			return
		}
	}
	like := change.Event{Op: change.Upsert, Table: e.Table, Source: e.Source, Time: e.Time, Shape: e.Shape}
	for i, column := range e.Shape.Columns {
		if column.Type == change.Text && !slices.Contains(e.Shape.Key, i) {
			like.Row = change.AppendValue(like.Row, nil)
		} else {
			like.Row = change.AppendNull(like.Row)
		}
	}
	*p = append(*p, like)
}
