package plan

import (
	"fmt"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// Make returns the plan for the events of a batch from the data source source, given the tables
// that exist. It is pure: the same arguments give the same plan.
//
// An upsert of a table that does not exist creates the table. A delete or truncate of such a table
// has no effect: it is in no Delta and is not refused either.
func Make(source string, events []change.Event, snap *catalog.Snapshot) *Plan {
	m := &planner{source: source, snap: snap, drafts: map[change.Table]*tableDraft{}}
	return m.makePlan(events)
}

// MakeRetried is Make for rejected events that are tried again: they show an earlier state of the
// source's tables.
func MakeRetried(source string, events []change.Event, snap *catalog.Snapshot) *Plan {
	m := &planner{source: source, snap: snap, drafts: map[change.Table]*tableDraft{}, retried: true}
	return m.makePlan(events)
}

// MakeTransformed is Make for rows that are transformed from those of a table:
// no source feeds them, and they go only to tables that are transformed from it.
func MakeTransformed(parent *catalog.Table, events []change.Event, snap *catalog.Snapshot) *Plan {
	m := &planner{source: parent.Source, parent: parent.Name, snap: snap, drafts: map[change.Table]*tableDraft{}}
	return m.makePlan(events)
}

func (m *planner) makePlan(events []change.Event) *Plan {
	for i := range events {
		m.addEvent(i, &events[i])
	}
	for _, d := range m.draftOrder {
		m.plan.Deltas = append(m.plan.Deltas, d.makeDelta())
	}
	return &m.plan
}

// planner collects the plan while it walks over the events.
type planner struct {
	source string
	// parent is the table that the events are transformed from, empty for
	// those of a source.
	parent change.Table
	snap   *catalog.Snapshot
	plan   Plan
	// retried marks events that had been rejected and are tried again.
	retried bool
	// drafts has the tables that the batch names, also those that can't be created; draftOrder has those
	// with events, in the order of the batch.
	drafts     map[change.Table]*tableDraft
	draftOrder []*tableDraft
	// lastDraft is the draft of the previous event, since the next event is nearly always for the same
	// table.
	lastDraft *tableDraft
}

func (m *planner) addEvent(i int, e *change.Event) {
	switch e.Op {
	case change.Upsert, change.Delete, change.Truncate:
	case change.Ignore, change.Reject:
		return
	}
	d := m.draftFor(e)
	if d == nil {
		return
	}
	reason := d.refusalReason
	if reason == "" && d.before == nil && !d.hasEvents && e.Op != change.Upsert {
		return
	}
	if reason == "" && e.TimeFarPast && !d.hadYear(e.Time) {
		m.refuseTime(i, e)
		return
	}
	if reason == "" {
		reason = d.addEvent(m.source, i, e)
	}
	for _, warning := range d.warnings {
		m.addWarning(warning)
	}
	d.warnings = d.warnings[:0]
	if reason != "" {
		m.refuseEvent(i, e, reason)
		return
	}
	if !d.hasEvents {
		d.hasEvents = true
		m.draftOrder = append(m.draftOrder, d)
	}
}

// draftFor returns the draft of the event's table, nil if the table does not exist and the event does
// not create it.
func (m *planner) draftFor(e *change.Event) *tableDraft {
	if m.lastDraft != nil && m.lastDraft.name == e.Table {
		return m.lastDraft
	}
	d := m.drafts[e.Table]
	if d == nil {
		before := m.snap.Table(e.Table)
		refusal := m.tableRefusal(e.Table, before)
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
	m.lastDraft = d
	return d
}

func (m *planner) refuseEvent(i int, e *change.Event, reason string) {
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
func (m *planner) refuseTime(i int, e *change.Event) {
	if m.plan.FarPastTimes == nil {
		m.plan.FarPastTimes = map[int]string{}
	}
	m.plan.FarPastTimes[i] = fmt.Sprintf("the source's time of the change, %s, is decades before the record's in Kafka, and the table has no history of that year",
		e.Time.UTC().Format(time.DateTime))
}

func (m *planner) addWarning(text string) {
	if !slices.Contains(m.plan.Warnings, text) {
		m.plan.Warnings = append(m.plan.Warnings, text)
	}
}
