package plan

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// The stream has no events for schema changes: the events that bring a column, and those that lack
// it, show its state. catalog.Carried has the states, docs/data-sources.md the consequences of
// each.

// carrier identifies the events that bring a set of columns: those of one origin, streamed or of
// snapshots.
type carrier struct {
	origin   change.Origin
	streamed bool
}

// fitCarried records which columns an event of a carrier brings, and the consequences for the rows
// of the table. added has the columns that are new with the event. A repeated or retried event
// shows an earlier state of the table: only its new columns count.
func (d *draft) fitCarried(event int, e *change.Event, added []string) {
	by := carrier{e.Origin, e.Snapshot == change.Streamed}
	if d.after.IsTransformed() || len(added) == 0 && (d.seen[by] == e.Shape || e.Suspect || d.retried) {
		return
	}
	c := &carrying{
		draft: d, event: event, e: e, added: added,
		before: d.after.Carried[e.Origin], next: d.after.Carried[e.Origin].Clone(),
	}
	switch {
	case !by.streamed:
		c.snapshot()
	case e.Suspect || d.retried:
		c.noteAdded(nil)
	default:
		c.streamed()
	}
	c.newToOthers()
	if !c.next.Equal(c.before) {
		if !slices.Equal(c.next.SnapshotOnly, c.before.SnapshotOnly) {
			d.cut(event)
		}
		d.change().SetCarried(e.Origin, c.next)
	}
	if e.Suspect || d.retried {
		return
	}
	if d.seen == nil {
		d.seen = make(map[carrier]*change.Shape, 2)
	}
	d.seen[by] = e.Shape
}

// carrying applies one event to the states of its table's columns.
type carrying struct {
	*draft
	event int
	e     *change.Event
	added []string
	// before is the state of the event's origin before the event, next the state after it.
	before, next catalog.Carried
}

// snapshot records the columns of a snapshot record. An incremental snapshot reads only columns
// that the stream has, so that a missing column means nothing there.
func (c *carrying) snapshot() {
	brought := columnSet(c.e.Shape)
	for _, name := range c.added {
		insert(&c.next.FromSnapshot, name)
	}
	for _, list := range []*[]string{&c.next.Gone, &c.next.Never} {
		for _, name := range slices.Clone(*list) {
			if brought[name] {
				move(list, &c.next.FromSnapshot, name)
			}
		}
	}
	if c.e.Snapshot == change.Incremental {
		return
	}
	for _, list := range []*[]string{&c.next.FromSnapshot, &c.next.SnapshotOnly} {
		for _, name := range slices.Clone(*list) {
			if !brought[name] {
				move(list, &c.next.Gone, name)
			}
		}
	}
}

// streamed records the columns of a streamed change, and those that it lacks.
func (c *carrying) streamed() {
	brought := columnSet(c.e.Shape)
	var vanished []string
	for _, column := range c.after.Columns {
		name := column.Name
		switch {
		case brought[name] || slices.Contains(c.next.SnapshotOnly, name) || slices.Contains(c.next.Gone, name) || slices.Contains(c.next.Never, name):
		case !slices.Contains(c.next.FromSnapshot, name):
			insert(&c.next.Gone, name)
			vanished = append(vanished, name)
		case c.renamed(column):
			move(&c.next.FromSnapshot, &c.next.Gone, name)
			vanished = append(vanished, name)
		default:
			move(&c.next.FromSnapshot, &c.next.SnapshotOnly, name)
			c.warnings = append(c.warnings, fmt.Sprintf("table %s: column %s comes with snapshots only (is it generated?), and is NULL from the first streamed change on", c.name, name))
		}
	}
	c.noteAdded(vanished)
	for _, name := range c.e.Shape.Columns {
		c.returned(name.Name)
	}
}

// renamed reports whether a column that only the last snapshot had may have been
// renamed: the event brings a new one of its type.
func (c *carrying) renamed(column catalog.Column) bool {
	return slices.ContainsFunc(c.added, func(name string) bool {
		at := c.columns[name]
		return c.after.Columns[at].Type == column.Type
	})
}

// noteAdded records the reasons for outdated rows that the new columns of a streamed change give. A
// new column may be a vanished one under another name.
func (c *carrying) noteAdded(vanished []string) {
	for _, name := range c.added {
		c.noteNew(name, vanished)
	}
}

func (c *carrying) noteNew(name string, vanished []string) {
	text := "column " + name + " is new; rows that have not changed since have NULL in it"
	switch {
	case len(vanished) > 0:
		c.note(text+" (perhaps it is "+strings.Join(vanished, " or ")+", renamed)", false)
	case c.filled(name):
		c.note(text, false)
	default:
		c.note(text+", as at the source", true)
	}
}

// filled reports whether the source has filled a column in rows that were there
// when it was added: it has a default, or may not be NULL.
func (c *carrying) filled(name string) bool {
	at := slices.IndexFunc(c.e.Shape.Columns, func(column change.Column) bool { return column.Name == name })
	return at >= 0 && at < len(c.e.Shape.Filled) && c.e.Shape.Filled[at]
}

// returned records that a streamed change brings a column which streamed changes had lacked.
func (c *carrying) returned(name string) {
	switch {
	case remove(&c.next.FromSnapshot, name):
	case remove(&c.next.Never, name):
		c.noteNew(name, nil)
	case remove(&c.next.SnapshotOnly, name), remove(&c.next.Gone, name):
		c.note("column "+name+" is in events again; rows that have not changed since have an old value, or NULL, in it", false)
	}
}

// note records a reason why rows may differ from the source; harmless means that they do not.
func (c *carrying) note(reason string, harmless bool) {
	c.noteOutdated(Outdated{Event: c.event, Origin: c.e.Origin, Reason: reason, Harmless: harmless})
}

// newToOthers records for all other origins that they have never brought the event's new columns.
func (c *carrying) newToOthers() {
	if len(c.added) == 0 {
		return
	}
	for origin := range c.after.Feeds {
		if origin == c.e.Origin {
			continue
		}
		for _, name := range c.added {
			c.change().AddNever(origin, name)
		}
	}
}

// fitFeed records the columns of the first event of an origin: the origin has never brought the
// table's other columns.
func (d *draft) fitFeed(e *change.Event) {
	brought, c := columnSet(e.Shape), d.after.Carried[e.Origin].Clone()
	for _, column := range d.after.Columns {
		switch {
		case !brought[column.Name]:
			insert(&c.Never, column.Name)
		case e.Snapshot != change.Streamed:
			insert(&c.FromSnapshot, column.Name)
		}
	}
	if !c.IsEmpty() {
		d.change().SetCarried(e.Origin, c)
	}
}

// noteOutdated records a reason why rows that the table has before an event may be outdated.
// Package history finds out whether there are such rows.
func (d *draft) noteOutdated(o Outdated) {
	if d.before == nil && !d.listed {
		return
	}
	d.cut(o.Event)
	if o.Origin != "" {
		o.Reason += fmt.Sprintf(" (origin %s)", o.Origin)
	}
	d.outdated = append(d.outdated, o)
}

// cut starts a segment of the batch at an event, where the table has earlier events in the batch.
func (d *draft) cut(event int) {
	if d.listed {
		d.cuts = append(d.cuts, event)
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

// insert adds a name to a sorted list that lacks it.
func insert(list *[]string, name string) {
	if at, found := slices.BinarySearch(*list, name); !found {
		*list = slices.Insert(*list, at, name)
	}
}

// remove takes a name out of a sorted list, and reports whether it was there.
func remove(list *[]string, name string) bool {
	at, found := slices.BinarySearch(*list, name)
	if found {
		*list = slices.Delete(*list, at, at+1)
	}
	return found
}

// move moves a name from one sorted list to another.
func move(from, to *[]string, name string) {
	remove(from, name)
	insert(to, name)
}
