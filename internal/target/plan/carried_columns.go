package plan

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// The stream has no events for schema changes: the events that bring a column, and those that lack
// it, show its state. catalog.Carried has the states, docs/data-sources.md the consequences of
// each.

// eventCarrier identifies the events that bring a set of columns: those of one origin, streamed or of
// snapshots.
type eventCarrier struct {
	origin   change.Origin
	streamed bool
}

// fitCarried records which columns an event of a carrier brings, and the consequences for the rows
// of the table. added has the columns that are new with the event. A repeated or retried event
// shows an earlier state of the table: only its new columns count.
func (d *tableDraft) fitCarried(event int, e *change.Event, added []string) {
	by := eventCarrier{e.Origin, e.Snapshot == change.Streamed}
	if d.after.IsTransformed() || len(added) == 0 && (d.seenShapes[by] == e.Shape || e.Suspect || d.retried) {
		return
	}
	c := &carriedUpdate{
		tableDraft: d, event: event, e: e, added: added,
		before: d.after.Carried[e.Origin], next: d.after.Carried[e.Origin].Clone(),
	}
	switch {
	case !by.streamed:
		c.applySnapshot()
	case e.Suspect || d.retried:
		c.noteAdded(nil)
	default:
		c.applyStreamed()
	}
	c.addToOtherOrigins()
	if !c.next.Equal(c.before) {
		if !slices.Equal(c.next.SnapshotOnly, c.before.SnapshotOnly) {
			d.startSegment(event)
		}
		d.mutableTable().SetCarried(e.Origin, c.next)
	}
	if e.Suspect || d.retried {
		return
	}
	if d.seenShapes == nil {
		d.seenShapes = make(map[eventCarrier]*change.Shape, 2)
	}
	d.seenShapes[by] = e.Shape
}

// carriedUpdate applies one event to the states of its table's columns.
type carriedUpdate struct {
	*tableDraft
	event int
	e     *change.Event
	added []string
	// before is the state of the event's origin before the event, next the state after it.
	before, next catalog.Carried
}

// applySnapshot records the columns of a snapshot record. An incremental snapshot reads only columns
// that the stream has, so that a missing column means nothing there.
func (c *carriedUpdate) applySnapshot() {
	brought := columnSet(c.e.Shape)
	for _, name := range c.added {
		insertName(&c.next.FromSnapshot, name)
	}
	for _, list := range []*[]string{&c.next.Gone, &c.next.Never} {
		for _, name := range slices.Clone(*list) {
			if brought[name] {
				moveName(list, &c.next.FromSnapshot, name)
			}
		}
	}
	if c.e.Snapshot == change.Incremental {
		return
	}
	for _, list := range []*[]string{&c.next.FromSnapshot, &c.next.SnapshotOnly} {
		for _, name := range slices.Clone(*list) {
			if !brought[name] {
				moveName(list, &c.next.Gone, name)
			}
		}
	}
}

// applyStreamed records the columns of a streamed change, and those that it lacks.
func (c *carriedUpdate) applyStreamed() {
	brought := columnSet(c.e.Shape)
	var vanished []string
	for _, column := range c.after.Columns {
		name := column.Name
		switch {
		case brought[name] || slices.Contains(c.next.SnapshotOnly, name) || slices.Contains(c.next.Gone, name) || slices.Contains(c.next.Never, name):
		case !slices.Contains(c.next.FromSnapshot, name):
			insertName(&c.next.Gone, name)
			vanished = append(vanished, name)
		case c.mayBeRenamed(column):
			moveName(&c.next.FromSnapshot, &c.next.Gone, name)
			vanished = append(vanished, name)
		default:
			moveName(&c.next.FromSnapshot, &c.next.SnapshotOnly, name)
			c.warnings = append(c.warnings, fmt.Sprintf("table %s: column %s comes with snapshots only (is it generated?), and is NULL from the first streamed change on", c.name, name))
		}
	}
	c.noteAdded(vanished)
	for _, name := range c.e.Shape.Columns {
		c.noteReturned(name.Name)
	}
}

// mayBeRenamed reports whether a column that only the last snapshot had may have been
// renamed: the event brings a new one of its type.
func (c *carriedUpdate) mayBeRenamed(column catalog.Column) bool {
	return slices.ContainsFunc(c.added, func(name string) bool {
		at := c.columns[name]
		return c.after.Columns[at].Type == column.Type
	})
}

// noteAdded records the reasons for outdated rows that the new columns of a streamed change give. A
// new column may be a vanished one under another name.
func (c *carriedUpdate) noteAdded(vanished []string) {
	for _, name := range c.added {
		c.noteNew(name, vanished)
	}
}

func (c *carriedUpdate) noteNew(name string, vanished []string) {
	text := "column " + name + " is new; rows that have not changed since have NULL in it"
	switch {
	case len(vanished) > 0:
		c.noteReason(text+" (perhaps it is "+strings.Join(vanished, " or ")+", renamed)", false)
	case c.isFilled(name):
		c.noteReason(text, false)
	default:
		c.noteReason(text+", as at the source", true)
	}
}

// isFilled reports whether the source has filled a column in rows that were there
// when it was added: it has a default, or may not be NULL.
func (c *carriedUpdate) isFilled(name string) bool {
	at := slices.IndexFunc(c.e.Shape.Columns, func(column change.Column) bool { return column.Name == name })
	return at >= 0 && at < len(c.e.Shape.Filled) && c.e.Shape.Filled[at]
}

// noteReturned records that a streamed change brings a column which streamed changes had lacked.
func (c *carriedUpdate) noteReturned(name string) {
	switch {
	case removeName(&c.next.FromSnapshot, name):
	case removeName(&c.next.Never, name):
		c.noteNew(name, nil)
	case removeName(&c.next.SnapshotOnly, name), removeName(&c.next.Gone, name):
		c.noteReason("column "+name+" is in events again; rows that have not changed since have an old value, or NULL, in it", false)
	}
}

// noteReason records a reason why rows may differ from the source; harmless means that they do not.
func (c *carriedUpdate) noteReason(reason string, harmless bool) {
	c.noteOutdated(Outdated{Event: c.event, Origin: c.e.Origin, Reason: reason, Harmless: harmless})
}

// addToOtherOrigins records for all other origins that they have never brought the event's new columns.
func (c *carriedUpdate) addToOtherOrigins() {
	if len(c.added) == 0 {
		return
	}
	for origin := range c.after.Feeds {
		if origin == c.e.Origin {
			continue
		}
		for _, name := range c.added {
			c.mutableTable().AddNever(origin, name)
		}
	}
}

// fitNewFeed records the columns of the first event of an origin: the origin has never brought the
// table's other columns.
func (d *tableDraft) fitNewFeed(e *change.Event) {
	brought, c := columnSet(e.Shape), d.after.Carried[e.Origin].Clone()
	for _, column := range d.after.Columns {
		switch {
		case !brought[column.Name]:
			insertName(&c.Never, column.Name)
		case e.Snapshot != change.Streamed:
			insertName(&c.FromSnapshot, column.Name)
		}
	}
	if !c.IsEmpty() {
		d.mutableTable().SetCarried(e.Origin, c)
	}
}

// noteOutdated records a reason why rows that the table has before an event may be outdated.
// Package history finds out whether there are such rows.
func (d *tableDraft) noteOutdated(o Outdated) {
	if d.before == nil && !d.hasEvents {
		return
	}
	d.startSegment(o.Event)
	if o.Origin != "" {
		o.Reason += fmt.Sprintf(" (origin %s)", o.Origin)
	}
	d.outdated = append(d.outdated, o)
}

// startSegment starts a segment of the batch at an event, where the table has earlier events in the batch.
func (d *tableDraft) startSegment(event int) {
	if d.hasEvents {
		d.segmentStarts = append(d.segmentStarts, event)
	}
}

// columnSet returns the names of a shape's columns.
func columnSet(shape *change.Shape) map[string]bool {
	set := make(map[string]bool, len(shape.Columns))
	for _, column := range shape.Columns {
		set[column.Name] = true
	}
	return set
}

// insertName adds a name to a sorted list that lacks it.
func insertName(list *[]string, name string) {
	if at, found := slices.BinarySearch(*list, name); !found {
		*list = slices.Insert(*list, at, name)
	}
}

// removeName takes a name out of a sorted list, and reports whether it was there.
func removeName(list *[]string, name string) bool {
	at, found := slices.BinarySearch(*list, name)
	if found {
		*list = slices.Delete(*list, at, at+1)
	}
	return found
}

// moveName moves a name from one sorted list to another.
func moveName(from, to *[]string, name string) {
	removeName(from, name)
	insertName(to, name)
}
