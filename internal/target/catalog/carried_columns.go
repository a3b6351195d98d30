package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metadb/internal/change"
)

// Carried records how the events of one origin bring a table's columns, by their names at the
// source. A column in no list comes with streamed changes. Each list is sorted, and a name is in at
// most one.
type Carried struct {
	// FromSnapshot has the columns of snapshot records after which no streamed change has come.
	FromSnapshot []string
	// SnapshotOnly has the columns of snapshot records that later streamed changes lack: generated
	// columns.
	SnapshotOnly []string
	// Gone has the columns that streamed changes brought and no longer bring.
	Gone []string
	// Never has the columns that no event of the origin has brought: another origin or an
	// administrator added them.
	Never []string
}

// Lists returns the four lists, for callers that treat them alike.
func (c *Carried) Lists() []*[]string {
	return []*[]string{&c.FromSnapshot, &c.SnapshotOnly, &c.Gone, &c.Never}
}

// IsEmpty reports whether streamed changes bring every column.
func (c *Carried) IsEmpty() bool {
	return len(c.FromSnapshot)+len(c.SnapshotOnly)+len(c.Gone)+len(c.Never) == 0
}

// Equal reports whether both have the same columns in each list.
func (c Carried) Equal(other Carried) bool {
	ours, theirs := c.Lists(), other.Lists()
	for i := range ours {
		if !slices.Equal(*ours[i], *theirs[i]) {
			return false
		}
	}
	return true
}

// Clone returns a copy that shares nothing with c.
func (c Carried) Clone() Carried {
	for _, list := range c.Lists() {
		*list = slices.Clone(*list)
	}
	return c
}

// SetCarried sets how the events of an origin bring the columns.
func (t *Table) SetCarried(origin change.Origin, c Carried) {
	if c.IsEmpty() {
		delete(t.Carried, origin)
		if len(t.Carried) == 0 {
			t.Carried = nil
		}
		return
	}
	for _, list := range c.Lists() {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if t.Carried == nil {
		t.Carried = make(map[change.Origin]Carried, 1)
	}
	t.Carried[origin] = c
}

// AddNever notes that no event of an origin has had a column.
func (t *Table) AddNever(origin change.Origin, column string) {
	c := t.Carried[origin].Clone()
	if at, found := slices.BinarySearch(c.Never, column); !found {
		c.Never = slices.Insert(c.Never, at, column)
	}
	t.SetCarried(origin, c)
}

// cloneCarried returns a copy that shares nothing with all.
func cloneCarried(all map[change.Origin]Carried) map[change.Origin]Carried {
	copied := maps.Clone(all)
	for origin, c := range copied {
		copied[origin] = c.Clone()
	}
	return copied
}

// ResyncCommands returns the commands that read the table again from its sources.
func (t *Table) ResyncCommands() string {
	var sources []string
	for _, feed := range t.Feeds {
		sources = append(sources, feed.String())
	}
	slices.Sort(sources)
	name := t.Main.Word()
	return fmt.Sprintf("sync table %s; then an incremental snapshot of %s; then endsync table %s;", name, strings.Join(slices.Compact(sources), ", "), name)
}

// ExcludeSetting returns the connector's setting that leaves out the columns which only snapshots bring,
// empty if there are no such columns.
func (t *Table) ExcludeSetting() string {
	var columns []string
	for origin, c := range t.Carried {
		for _, name := range c.SnapshotOnly {
			columns = append(columns, t.Feeds[origin].String()+"."+name)
		}
	}
	if len(columns) == 0 {
		return ""
	}
	slices.Sort(columns)
	return "column.exclude.list=" + strings.Join(slices.Compact(columns), ",")
}
