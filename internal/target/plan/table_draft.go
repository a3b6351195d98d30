package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// The limits of PostgreSQL: columns of a table, less the ten that a temporary table
// has beside the row (package history), which are more than the metadata columns,
// and columns of an index, less __origin.
// https://www.postgresql.org/docs/current/limits.html
const (
	maxColumns    = 1600 - 10
	maxKeyColumns = 32 - 1
)

// tableDraft is a table while the plan is made: after starts as before and is copied at the first
// change.
type tableDraft struct {
	name   change.Table
	before *catalog.Table
	after  *catalog.Table
	steps  []TypeStep
	// refusalReason is the reason why no event may go to the table, empty if events may.
	refusalReason string
	// hasEvents means that the batch has an event for the table.
	hasEvents bool
	warnings  []string

	// columns finds the columns of after by their names at the source.
	columns map[string]int
	// version counts the changes to columns, types and key.
	version int
	// upsertShape and deleteShape have the last shape of each kind that the table was made to fit.
	upsertShape, deleteShape fittedShape
	// retried marks events that had been rejected and are tried again, later than others.
	retried bool
	// seenShapes has the last shape of each carrier that fitCarried has looked at.
	seenShapes map[eventCarrier]*change.Shape
	// outdated and segmentStarts are Delta's.
	outdated      []Outdated
	segmentStarts []int
	// yearFrom and yearTo bound the year of the last event time, for which the history has a place.
	yearFrom, yearTo change.Micros
}

// fittedShape is a shape that the table has been made to fit, at a version of the
// draft.
type fittedShape struct {
	shape   *change.Shape
	version int
	// texts has the columns where the shape has text and the table uuid: there every value has to
	// be checked.
	texts []textAtUUID
}

type textAtUUID struct{ cell, column int }

func newDraft(name change.Table, source string, before *catalog.Table, refusal string) *tableDraft {
	d := &tableDraft{name: name, before: before, after: before, refusalReason: refusal, columns: map[string]int{}}
	if refusal != "" {
		return d
	}
	if before == nil {
		d.after = catalog.NewTable(name, source)
		d.warnShortened()
		return d
	}
	for i, column := range before.Columns {
		d.columns[column.Name] = i
	}
	return d
}

// mutableTable returns the table to be changed, a copy of before.
func (d *tableDraft) mutableTable() *catalog.Table {
	if d.after == d.before {
		d.after = d.before.Clone()
	}
	return d.after
}

func (d *tableDraft) makeDelta() Delta {
	delta := Delta{Before: d.before, After: d.after, Steps: d.steps, Outdated: d.outdated, SegmentStarts: d.segmentStarts}
	if d.before != nil {
		delta.KeyChanged = !hasSameColumns(d.before.Key, d.after.Key)
		delta.NewFeed = len(d.after.Feeds) > len(d.before.Feeds)
	} else {
		delta.NewFeed = true
	}
	return delta
}

// addEvent makes the table fit an event, or returns the reason why it can't and leaves the table as it
// is. A table with a fault stays as it is too.
func (d *tableDraft) addEvent(source string, i int, e *change.Event) (refusal string) {
	if d.before != nil && d.before.Fault != nil {
		return "" // the table waits as it is
	}
	if reason := d.checkFeed(e); reason != "" {
		return reason
	}
	if e.Op == change.Truncate {
		return ""
	}
	var added []string
	known := &d.deleteShape
	if e.Op == change.Upsert {
		known = &d.upsertShape
	}
	if known.shape != e.Shape || known.version != d.version {
		if reason := d.checkShape(e); reason != "" {
			return reason
		}
		added = d.fitShape(i, e)
		*known = fittedShape{shape: e.Shape, version: d.version, texts: d.findTextsAtUUID(e.Shape)}
	}
	if len(known.texts) > 0 {
		d.fitTexts(i, e, known)
	}
	if e.Op == change.Upsert {
		d.setFeed(e)
		d.fitCarried(i, e, added)
		d.takeOver(source)
		d.ensureYear(e.Time)
	}
	return ""
}

// checkFeed refuses events of a second source table for one origin.
func (d *tableDraft) checkFeed(e *change.Event) string {
	if d.after.IsTransformed() {
		return ""
	}
	feed, fed := d.after.Feeds[e.Origin]
	if !fed || feed == e.Source {
		return ""
	}
	target := d.name.String()
	if e.Origin != "" {
		target += fmt.Sprintf(" (origin %s)", e.Origin)
	}
	return fmt.Sprintf("table %s is fed by %s already", target, feed)
}

// takeOver gives a table of a dropped data source to the source that writes rows into it.
func (d *tableDraft) takeOver(source string) {
	if d.after.Source == "" {
		d.mutableTable().Source = source
	}
}

func (d *tableDraft) setFeed(e *change.Event) {
	if _, fed := d.after.Feeds[e.Origin]; !fed && !d.after.IsTransformed() {
		d.mutableTable().Feeds[e.Origin] = e.Source
		if d.before != nil || d.hasEvents {
			d.fitNewFeed(e)
		}
	}
}

// checkShape refuses rows that the table can't hold.
func (d *tableDraft) checkShape(e *change.Event) string {
	total := len(d.after.Columns)
	for _, column := range e.Shape.Columns {
		if _, known := d.columns[column.Name]; known {
			continue
		}
		if e.Op == change.Delete {
			return fmt.Sprintf("the key's column %s is not known in table %s", column.Name, d.name)
		}
		if reason := nameProblem(column.Name); reason != "" {
			return "the name of a column " + reason
		}
		total++
	}
	switch {
	case len(e.Shape.Key) == 0:
		return "no field of the record's key is a column of the row"
	case len(e.Shape.Key) > maxKeyColumns:
		return fmt.Sprintf("the key has %d columns, PostgreSQL's limit is %d", len(e.Shape.Key), maxKeyColumns)
	case total > maxColumns:
		return fmt.Sprintf("table %s would have %d columns, the limit is %d: PostgreSQL's 1600, less those of Metadb", d.name, total, maxColumns)
	}
	return ""
}

// ensureYear ensures that the history has a partition for the time's year.
func (d *tableDraft) ensureYear(at change.Micros) {
	if d.yearFrom <= at && at < d.yearTo {
		return
	}
	year := at.UTC().Year()
	d.yearFrom = change.Micros(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	d.yearTo = change.Micros(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	if d.after.HasYear(year) {
		return
	}
	table := d.mutableTable()
	place, _ := slices.BinarySearch(table.Years, year)
	table.Years = slices.Insert(table.Years, place, year)
}

// hadYear reports whether the history had a place for the time's year before the batch.
func (d *tableDraft) hadYear(at change.Micros) bool {
	return d.before != nil && d.before.HasYear(at.UTC().Year())
}

// warnShortened warns of the names of a new table that were shortened. The names of its partitions
// are left out, since users do not type them.
func (d *tableDraft) warnShortened() {
	for full, kept := range map[string]ident.Name{
		d.name.Schema:      d.after.Main.Schema,
		d.name.Name:        d.after.Current.Name,
		d.name.Name + "__": d.after.Main.Name,
	} {
		if full != string(kept) {
			d.warnings = append(d.warnings, fmt.Sprintf("the name %s is longer than PostgreSQL's %d bytes: shortened to %s",
				full, ident.MaxBytes, kept))
		}
	}
	slices.Sort(d.warnings)
}

// columnNames returns the source names of some columns, for messages.
func columnNames(t *catalog.Table, columns []int) string {
	list := make([]string, len(columns))
	for i, at := range columns {
		list[i] = t.Columns[at].Name
	}
	return "(" + strings.Join(list, ", ") + ")"
}
