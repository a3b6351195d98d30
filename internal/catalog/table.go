package catalog

import (
	"iter"
	"maps"
	"slices"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// Column is a column of a target table: its name at the source and its type
// as stored, and the name under which it is stored.
type Column struct {
	change.Column
	Stored ident.Name
	// Collation is the column's collation if that is nondeterministic, else empty:
	// texts that differ can be equal, which only PostgreSQL knows.
	Collation ident.Name
}

// Table is a target table. It is immutable once it is published: a change
// begins with [Table.Clone].
type Table struct {
	// Name is the table as routed, with its full names.
	Name change.Table
	// The relations, with the names that PostgreSQL has.
	Current, Main, History, Sync ident.Qualified
	// Sequence gives out __id.
	Sequence ident.Qualified
	// Columns are those of the source, in table order, without the metadata
	// columns.
	Columns []Column
	// Foreign are columns of the main table that somebody else has made. They
	// are left alone: nothing reads or writes them. Type is 0 where it is none of
	// Metadb's, or where PostgreSQL computes the column.
	Foreign []Column
	// Fault is why the table can't be used, nil if it can. Other fields may
	// lack what could not be understood.
	Fault *Fault
	// Lacks are things that Metadb makes again before it uses the table.
	Lacks Lacks
	// Key holds the indexes into Columns of the columns that, with
	// __origin, identify a row, in the order of the source's key.
	Key []int
	// Carried says how the events of each origin bring the columns; an origin
	// that it lacks brings all of them with streamed changes.
	Carried map[change.Origin]Carried
	// Outdated says why rows of the table may have other values than at the
	// source until it is read again, sorted; empty where nothing is known.
	Outdated []string
	// Guarded says that the current table's index on the key and __origin is
	// unique. It can't be after a change of key that left several current
	// rows with one key; until those end, nothing but matching tells whether
	// a key is new.
	Guarded bool
	// Years are the years (UTC) that have a history partition, ascending.
	Years []int
	// Elsewhere are years whose rows have a place in partitions that somebody
	// else has made.
	Elsewhere []int
	// Source is the data source that the table belongs to.
	Source string
	// Parent is, for a table that is transformed from the JSON of another
	// one, the name of that; empty otherwise.
	Parent change.Table
	// Mapped identifies the mappings that the tables transformed from this one
	// are complete for: every current row has its transformed rows. Empty
	// where that is not known.
	Mapped string
	// Feeds says which source table fills the table, for each origin.
	Feeds map[change.Origin]change.Table
	// LastEnd is the highest __end of all ended versions, 0 while there is
	// none.
	LastEnd change.Micros
	// Truncated bounds the truncates that have been applied: a change beyond it
	// precedes none of them.
	Truncated Truncated
}

// Truncated is the highest source.lsn and the latest source time of a table's
// truncates, of all origins, zero where there are none.
type Truncated struct {
	LSN  uint64
	Time change.Micros
}

// Extend returns the bounds with one more truncate.
func (b Truncated) Extend(lsn uint64, at change.Micros) Truncated {
	return Truncated{LSN: max(b.LSN, lsn), Time: max(b.Time, at)}
}

// Lacks are parts of a table that somebody has dropped and that hold nothing which
// is not elsewhere.
type Lacks struct {
	// KeyIndex is the index on the key, which is missing or invalid.
	KeyIndex bool
	// Sync is the table of confirmed ids.
	Sync bool
}

// Clone returns a copy that shares nothing with t.
func (t *Table) Clone() *Table {
	c := *t
	c.Columns = slices.Clone(t.Columns)
	c.Foreign = slices.Clone(t.Foreign)
	c.Key = slices.Clone(t.Key)
	c.Carried = cloneCarried(t.Carried)
	c.Outdated = slices.Clone(t.Outdated)
	c.Years = slices.Clone(t.Years)
	c.Elsewhere = slices.Clone(t.Elsewhere)
	c.Feeds = maps.Clone(t.Feeds)
	if c.Feeds == nil {
		c.Feeds = map[change.Origin]change.Table{}
	}
	return &c
}

// IsTransformed reports whether the table is made from another one's JSON.
func (t *Table) IsTransformed() bool { return t.Parent != change.Table{} }

// Column returns the index of the column with that name at the source, or -1.
func (t *Table) Column(source string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == source })
}

// HasYear reports whether the history has a place for year: a partition of its
// own, or one that somebody else has made.
func (t *Table) HasYear(year int) bool { return t.OwnsYear(year) || slices.Contains(t.Elsewhere, year) }

// OwnsYear reports whether the history has Metadb's own partition for year.
func (t *Table) OwnsYear(year int) bool {
	_, found := slices.BinarySearch(t.Years, year)
	return found
}

// Year returns the history partition for year, which may or may not exist.
func (t *Table) Year(year int) ident.Qualified {
	return ident.Qualified{Schema: t.Main.Schema, Name: ident.Year(t.Name.Name, year)}
}

// KeyNames returns the names at the source of the columns that identify a row.
func (t *Table) KeyNames() []string {
	names := make([]string, len(t.Key))
	for i, at := range t.Key {
		names[i] = t.Columns[at].Name
	}
	return names
}

// NewTable returns a table without columns, with the names that its relations
// get. Whether they are free is for package plan to say.
func NewTable(name change.Table, source string) *Table {
	in := func(relation ident.Name) ident.Qualified {
		return ident.Qualified{Schema: ident.Schema(name.Schema), Name: relation}
	}
	return &Table{
		Name:     name,
		Source:   source,
		Current:  in(ident.Current(name.Name)),
		Main:     in(ident.Main(name.Name)),
		History:  in(ident.History(name.Name)),
		Sync:     in(ident.Sync(name.Name)),
		Sequence: in(ident.Sequence(name.Name)),
		Guarded:  true,
		Feeds:    map[change.Origin]change.Table{},
	}
}

// Relations yields the names of all relations of the table: current, main,
// history, sync, the sequence, and the years of history.
func (t *Table) Relations() iter.Seq[ident.Qualified] {
	return func(yield func(ident.Qualified) bool) {
		for _, relation := range []ident.Qualified{t.Current, t.Main, t.History, t.Sync, t.Sequence} {
			if !yield(relation) {
				return
			}
		}
		for _, year := range t.Years {
			if !yield(t.Year(year)) {
				return
			}
		}
	}
}
