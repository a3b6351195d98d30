package plan

import (
	"fmt"
	"slices"
	"time"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// Make returns the plan for the events of a batch from the data source source, given the tables
// that exist. It is pure: the same arguments give the same plan.
//
// An upsert of a table that does not exist creates the table. A delete or truncate of such a table
// has no effect: it is in no Delta and is not refused either.
func Make(source string, events []change.Event, snap *catalog.Snapshot) *Plan {
	m := &maker{source: source, snap: snap, drafts: map[change.Table]*draft{}}
	return m.make(events)
}

// MakeRetried is Make for rejected events that are tried again: they show an earlier state of the
// source's tables.
func MakeRetried(source string, events []change.Event, snap *catalog.Snapshot) *Plan {
	m := &maker{source: source, snap: snap, drafts: map[change.Table]*draft{}, retried: true}
	return m.make(events)
}

// MakeTransformed is Make for rows that are transformed from those of a table:
// no source feeds them, and they go only to tables that are transformed from it.
func MakeTransformed(parent *catalog.Table, events []change.Event, snap *catalog.Snapshot) *Plan {
	m := &maker{source: parent.Source, parent: parent.Name, snap: snap, drafts: map[change.Table]*draft{}}
	return m.make(events)
}

func (m *maker) make(events []change.Event) *Plan {
	for i := range events {
		m.event(i, &events[i])
	}
	for _, d := range m.order {
		m.plan.Deltas = append(m.plan.Deltas, d.delta())
	}
	return &m.plan
}

// maker collects the plan while it walks over the events.
type maker struct {
	source string
	// parent is the table that the events are transformed from, empty for
	// those of a source.
	parent change.Table
	snap   *catalog.Snapshot
	plan   Plan
	// retried marks events that had been rejected and are tried again.
	retried bool
	// drafts has the tables that the batch names, also those that can't be created; order has those
	// with events, in the order of the batch.
	drafts map[change.Table]*draft
	order  []*draft
	// last is the draft of the previous event, since the next event is nearly always for the same
	// table.
	last *draft
}

func (m *maker) event(i int, e *change.Event) {
	switch e.Op {
	case change.Upsert, change.Delete, change.Truncate:
	case change.Ignore, change.Reject:
		return
	}
	d := m.draft(e)
	if d == nil {
		return
	}
	reason := d.refusal
	if reason == "" && d.before == nil && !d.listed && e.Op != change.Upsert {
		return
	}
	if reason == "" && e.Remote && !d.hasYear(e.Time) {
		m.refuseTime(i, e)
		return
	}
	if reason == "" {
		reason = d.add(m.source, i, e)
	}
	for _, warning := range d.warnings {
		m.warn(warning)
	}
	d.warnings = d.warnings[:0]
	if reason != "" {
		m.refuse(i, e, reason)
		return
	}
	if !d.listed {
		d.listed = true
		m.order = append(m.order, d)
	}
}

// draft returns the draft of the event's table, nil if the table does not exist and the event does
// not create it.
func (m *maker) draft(e *change.Event) *draft {
	if m.last != nil && m.last.name == e.Table {
		return m.last
	}
	d := m.drafts[e.Table]
	if d == nil {
		before := m.snap.Table(e.Table)
		refusal := m.refusal(e.Table, before)
		if before == nil && refusal == "" && e.Op != change.Upsert {
			return nil
		}
		d = newDraft(e.Table, m.source, before, refusal)
		d.retried = m.retried
		if m.parent != (change.Table{}) && before == nil && refusal == "" {
			d.after.Parent = m.parent
		}
		m.drafts[e.Table] = d
	}
	m.last = d
	return d
}

func (m *maker) refuse(i int, e *change.Event, reason string) {
	if m.plan.Refused == nil {
		m.plan.Refused = map[int]string{}
	}
	m.plan.Refused[i] = reason
	if text := fmt.Sprintf("table %s: %s", e.Source, reason); !slices.Contains(m.plan.Refusals, text) {
		m.plan.Refusals = append(m.plan.Refusals, text)
	}
}

// refuseTime refuses an event with a time far from its record's, in a year of which the table has
// no history.
func (m *maker) refuseTime(i int, e *change.Event) {
	if m.plan.Remote == nil {
		m.plan.Remote = map[int]string{}
	}
	m.plan.Remote[i] = fmt.Sprintf("the source's time of the change, %s, is decades before the record's in Kafka, and the table has no history of that year",
		time.UnixMicro(int64(e.Time)).UTC().Format(time.DateTime))
}

func (m *maker) warn(text string) {
	if !slices.Contains(m.plan.Warnings, text) {
		m.plan.Warnings = append(m.plan.Warnings, text)
	}
}
