package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ident"
)

// The limits of PostgreSQL: columns of a table, less the ten that a temporary table
// has beside the row (package history), which are more than the metadata columns,
// and columns of an index, less __origin.
// https://www.postgresql.org/docs/current/limits.html
const (
	maxColumns = 1600 - 10
	maxKey     = 32 - 1
)

// draft is a table while the plan is made: after starts as before and is copied at the first
// change.
type draft struct {
	name   change.Table
	before *catalog.Table
	after  *catalog.Table
	steps  []Step
	// refusal is the reason why no event may go to the table, empty if events may.
	refusal string
	// listed means that the batch has an event for the table.
	listed   bool
	warnings []string

	// columns finds the columns of after by their names at the source.
	columns map[string]int
	// version counts the changes to columns, types and key.
	version int
	// upsert and remove have the last shape of each kind that the table was made to fit.
	upsert, remove fitted
	// retried marks events that had been rejected and are tried again, later than others.
	retried bool
	// seen has the last shape of each carrier that fitCarried has looked at.
	seen map[carrier]*change.Shape
	// outdated and cuts are Delta's.
	outdated []Outdated
	cuts     []int
	// yearFrom and yearTo bound the year of the last event time, for which the history has a place.
	yearFrom, yearTo change.Micros
}

// fitted is a shape that the table has been made to fit, at a version of the
// draft.
type fitted struct {
	shape   *change.Shape
	version int
	// texts has the columns where the shape has text and the table uuid: there every value has to
	// be checked.
	texts []textAtUUID
}

type textAtUUID struct{ cell, column int }

func newDraft(name change.Table, source string, before *catalog.Table, refusal string) *draft {
	d := &draft{name: name, before: before, after: before, refusal: refusal, columns: map[string]int{}}
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

// change returns the table to be changed, a copy of before.
func (d *draft) change() *catalog.Table {
	if d.after == d.before {
		d.after = d.before.Clone()
	}
	return d.after
}

func (d *draft) delta() Delta {
	delta := Delta{Before: d.before, After: d.after, Steps: d.steps, Outdated: d.outdated, Cuts: d.cuts}
	if d.before != nil {
		delta.KeyChanged = !sameKey(d.before.Key, d.after.Key)
		delta.NewFeed = len(d.after.Feeds) > len(d.before.Feeds)
	} else {
		delta.NewFeed = true
	}
	return delta
}

// add makes the table fit an event, or returns the reason why it can't and leaves the table as it
// is. A table with a fault stays as it is too.
func (d *draft) add(source string, i int, e *change.Event) (refusal string) {
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
	known := &d.remove
	if e.Op == change.Upsert {
		known = &d.upsert
	}
	if known.shape != e.Shape || known.version != d.version {
		if reason := d.checkShape(e); reason != "" {
			return reason
		}
		added = d.fitShape(i, e)
		*known = fitted{shape: e.Shape, version: d.version, texts: d.textsAtUUID(e.Shape)}
	}
	if len(known.texts) > 0 {
		d.fitTexts(i, e, known)
	}
	if e.Op == change.Upsert {
		d.feed(e)
		d.fitCarried(i, e, added)
		d.adopt(source)
		d.year(e.Time)
	}
	return ""
}

// checkFeed refuses events of a second source table for one origin.
func (d *draft) checkFeed(e *change.Event) string {
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

// adopt gives a table of a dropped data source to the source that writes rows into it.
func (d *draft) adopt(source string) {
	if d.after.Source == "" {
		d.change().Source = source
	}
}

func (d *draft) feed(e *change.Event) {
	if _, fed := d.after.Feeds[e.Origin]; !fed && !d.after.IsTransformed() {
		d.change().Feeds[e.Origin] = e.Source
		if d.before != nil || d.listed {
			d.fitFeed(e)
		}
	}
}

// checkShape refuses rows that the table can't hold.
func (d *draft) checkShape(e *change.Event) string {
	total := len(d.after.Columns)
	for _, column := range e.Shape.Columns {
		if _, known := d.columns[column.Name]; known {
			continue
		}
		if e.Op == change.Delete {
			return fmt.Sprintf("the key's column %s is not known in table %s", column.Name, d.name)
		}
		if reason := badName(column.Name); reason != "" {
			return "the name of a column " + reason
		}
		total++
	}
	switch {
	case len(e.Shape.Key) == 0:
		return "no field of the record's key is a column of the row"
	case len(e.Shape.Key) > maxKey:
		return fmt.Sprintf("the key has %d columns, PostgreSQL's limit is %d", len(e.Shape.Key), maxKey)
	case total > maxColumns:
		return fmt.Sprintf("table %s would have %d columns, the limit is %d: PostgreSQL's 1600, less those of Metadb", d.name, total, maxColumns)
	}
	return ""
}

// year ensures that the history has a partition for the time's year.
func (d *draft) year(at change.Micros) {
	if d.yearFrom <= at && at < d.yearTo {
		return
	}
	year := time.UnixMicro(int64(at)).UTC().Year()
	d.yearFrom = change.Micros(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	d.yearTo = change.Micros(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	if d.after.HasYear(year) {
		return
	}
	table := d.change()
	place, _ := slices.BinarySearch(table.Years, year)
	table.Years = slices.Insert(table.Years, place, year)
}

// hasYear reports whether the history had a place for the time's year before the batch.
func (d *draft) hasYear(at change.Micros) bool {
	return d.before != nil && d.before.HasYear(time.UnixMicro(int64(at)).UTC().Year())
}

// warnShortened warns of the names of a new table that were shortened. The names of its partitions
// are left out, since users do not type them.
func (d *draft) warnShortened() {
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

// names returns the source names of some columns, for messages.
func names(t *catalog.Table, columns []int) string {
	list := make([]string, len(columns))
	for i, at := range columns {
		list[i] = t.Columns[at].Name
	}
	return "(" + strings.Join(list, ", ") + ")"
}
