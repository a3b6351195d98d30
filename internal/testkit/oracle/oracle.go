package oracle

import (
	"slices"

	"metadb/internal/change"
)

// Forever is the end of a current version, 9999-12-31 00:00 UTC.
const Forever change.Micros = 253_402_214_400_000_000

// Oracle has the tables that result from the events so far.
type Oracle struct {
	tables map[change.Table]*Table
}

// New returns an oracle without tables.
func New() *Oracle { return &Oracle{tables: make(map[change.Table]*Table)} }

// Table returns a table, nil if no event has made it.
func (o *Oracle) Table(name change.Table) *Table { return o.tables[name] }

// Apply applies the next event.
func (o *Oracle) Apply(e *change.Event) {
	if e.Op == change.Upsert && o.tables[e.Table] == nil {
		o.tables[e.Table] = &Table{}
	}
	t := o.tables[e.Table]
	if t == nil {
		return // nothing can end in a table that never had a row
	}
	switch e.Op {
	case change.Upsert:
		t.applyUpsert(e)
	case change.Delete:
		t.applyDelete(e)
	case change.Truncate:
		t.applyTruncate(e)
	case change.Reject:
		t.applyReject(e)
	case change.Ignore:
	}
}

// applyReject confirms the current version of a rejected event's key, if that could be
// read: the row is at the source.
func (t *Table) applyReject(e *change.Event) {
	if e.Shape == nil {
		return
	}
	for _, v := range t.currentVersions(t.rowKeyOf(e.Shape, e.Row, e.Origin)) {
		v.confirmBy(e)
	}
}

// ApplyRepeated handles a repetition of an earlier event. It changes nothing; the current version
// is confirmed if it began no later than the event.
func (o *Oracle) ApplyRepeated(e *change.Event) {
	t := o.tables[e.Table]
	if t == nil || e.Op != change.Upsert {
		return
	}
	t.fitColumns(e.Shape)
	for _, v := range t.currentVersions(t.rowKeyOf(e.Shape, e.Row, e.Origin)) {
		if v.Start <= e.Time {
			v.confirmBy(e)
		}
	}
}

// applyUpsert makes the event's row the current version of its key, unless it is
// that already.
func (t *Table) applyUpsert(e *change.Event) {
	t.fitColumns(e.Shape)
	key := t.rowKeyOf(e.Shape, e.Row, e.Origin)
	current := t.currentVersions(key)
	values := t.rowValues(e, t.versionBefore(e, key, current))
	if len(current) == 1 && slices.Equal(current[0].Values, values) {
		current[0].confirmBy(e)
		return
	}
	start := e.Time
	for _, v := range current {
		v.endAt(e.Time)
		start = max(start, v.End)
	}
	if len(current) == 0 {
		start = max(start, t.latestEnd(key))
	}
	begun := &Version{Origin: e.Origin, Values: values, Start: start, End: Forever}
	begun.confirmBy(e)
	t.Versions = append(t.Versions, begun)
}

// applyDelete ends the current version of the event's key.
func (t *Table) applyDelete(e *change.Event) {
	t.fitColumns(e.Shape)
	key := t.rowKeyOf(e.Shape, e.Row, e.Origin)
	for _, v := range t.currentVersions(key) {
		v.endAt(e.Time)
	}
}

// applyTruncate ends every current version of the origin.
func (t *Table) applyTruncate(e *change.Event) {
	for _, v := range t.Versions {
		if v.IsCurrent() && v.Origin == e.Origin {
			v.endAt(e.Time)
		}
	}
}

// versionBefore returns the version that has an event's unavailable values, nil without
// such a version: the key's current one. After a change of key it is the version
// under the old key that ended with the event, or else the current one under the
// old key.
func (t *Table) versionBefore(e *change.Event, key rowKey, current []*Version) *Version {
	if e.OldKey == nil {
		return lastVersion(current)
	}
	old := key
	old.cells = nil
	for i, cell := range rowCellsOf(e.OldKey) {
		column := e.Shape.Columns[e.Shape.Key[i]]
		old.cells = append(old.cells, convertValue(cellTextOf(column.Type, cell), column.Type, t.Columns[key.columns[i]].Type))
	}
	var ended []*Version
	for _, v := range t.Versions {
		if t.hasKey(v, old) && v.End == max(e.Time, v.Start) {
			ended = append(ended, v)
		}
	}
	if len(ended) > 0 {
		return lastVersion(ended)
	}
	return lastVersion(t.currentVersions(old))
}

// latestEnd returns the latest end of the key's earlier versions, 0 without such versions.
func (t *Table) latestEnd(k rowKey) change.Micros {
	var end change.Micros
	for _, v := range t.Versions {
		if t.hasKey(v, k) && !v.IsCurrent() {
			end = max(end, v.End)
		}
	}
	return end
}
