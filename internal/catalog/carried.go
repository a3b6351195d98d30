package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metadb/internal/change"
)

// Carried says of the columns of a table, by their names at the source, how the
// events of one origin bring them. Columns that it does not name are in the
// streamed changes. Each list is sorted, each name in at most one.
type Carried struct {
	// FromSnapshot have come with records of snapshots, and no streamed change
	// has come since.
	FromSnapshot []string
	// SnapshotOnly have come with records of snapshots, and the streamed changes
	// since then lack them: generated columns.
	SnapshotOnly []string
	// Gone were in streamed changes, and are not any more.
	Gone []string
	// Never have not been in any event: they are another origin's, or were added
	// by an administrator.
	Never []string
}

// Lists returns the four lists, for those who treat them alike.
func (c *Carried) Lists() []*[]string {
	return []*[]string{&c.FromSnapshot, &c.SnapshotOnly, &c.Gone, &c.Never}
}

// IsEmpty reports whether streamed changes bring every column.
func (c *Carried) IsEmpty() bool {
	return len(c.FromSnapshot)+len(c.SnapshotOnly)+len(c.Gone)+len(c.Never) == 0
}

// Equal reports whether both say the same.
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

// ReadAgain returns the commands that have the table read again.
func (t *Table) ReadAgain() string {
	var sources []string
	for _, feed := range t.Feeds {
		sources = append(sources, feed.String())
	}
	slices.Sort(sources)
	name := t.Main.Word()
	return fmt.Sprintf("sync table %s; then an incremental snapshot of %s; then endsync table %s;", name, strings.Join(slices.Compact(sources), ", "), name)
}

// Excluded returns the setting of the connector that leaves out the columns which
// only snapshots bring, empty if there are none.
func (t *Table) Excluded() string {
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
