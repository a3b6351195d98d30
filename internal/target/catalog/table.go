package catalog

import (
	"iter"
	"maps"
	"slices"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// Column is a column of a target table, with its name at the source, its type and its stored name.
type Column struct {
	change.Column
	Stored ident.Name
	// Collation is the column's collation if that is nondeterministic, else empty. With one,
	// different texts can be equal, and only PostgreSQL can compare them.
	Collation ident.Name
}

// Table is a target table. It is immutable once it is published: a change
// begins with [Table.Clone].
type Table struct {
	// Name is the routed name of the table, unshortened.
	Name change.Table
	// The relations, under their names in PostgreSQL.
	Current, Main, History, Sync ident.Qualified
	// Sequence is the sequence of __id.
	Sequence ident.Qualified
	// Columns has the columns of the source, in table order, without the metadata columns.
	Columns []Column
	// UnmanagedColumns has the columns of the main table that Metadb did not create, and neither reads nor
	// writes. Type is 0 for a type that Metadb does not use, a generated column and one with a
	// nondeterministic collation.
	UnmanagedColumns []Column
	// Fault is the reason why the table can't be used, nil if it can. With a fault, other fields
	// may be incomplete.
	Fault *Fault
	// MissingParts has the parts that Metadb creates again before it uses the table.
	MissingParts MissingParts
	// Key holds the indexes into Columns of the columns that, with
	// __origin, identify a row, in the order of the source's key.
	Key []int
	// Carried records how the events of each origin bring the columns; streamed changes of an
	// origin without an entry bring all of them.
	Carried map[change.Origin]Carried
	// Outdated has the reasons why rows of the table may differ from the source until it is read
	// again, sorted; empty where no reason is known.
	Outdated []string
	// UniqueKey reports that the current table's index on the key and __origin is unique. It is not
	// after a change of key that left several current rows with one key; until those rows end, only
	// matching finds out whether a key is new.
	UniqueKey bool
	// Years are the years (UTC) that have a history partition, ascending.
	Years []int
	// UnmanagedYears has the years for which partitions that Metadb did not create hold the rows.
	UnmanagedYears []int
	// Source is the data source that the table belongs to.
	Source string
	// Parent is the table from the JSON of which this one is transformed; empty for a table that is
	// not transformed.
	Parent change.Table
	// MappingFingerprint identifies the mappings under which every current row has its transformed rows. It is
	// empty where the transformed tables may be incomplete.
	MappingFingerprint string
	// Feeds has the source table that fills the table, for each origin.
	Feeds map[change.Origin]change.Table
	// LastEnd is the highest __end of all ended versions, 0 without an ended version.
	LastEnd change.Micros
	// TruncateBounds bounds the truncates that have been applied: a change beyond it precedes no
	// truncate.
	TruncateBounds TruncateBounds
}

// TruncateBounds is the highest source.lsn and the latest source time of a table's truncates, over all
// origins; zero if there was no truncate.
type TruncateBounds struct {
	LSN  uint64
	Time change.Micros
}

// Extend returns the bounds with one more truncate.
func (b TruncateBounds) Extend(lsn uint64, at change.Micros) TruncateBounds {
	return TruncateBounds{LSN: max(b.LSN, lsn), Time: max(b.Time, at)}
}

// MissingParts has the parts of a table that were dropped by hand and can be created again without a loss.
type MissingParts struct {
	// KeyIndex is the index on the key, which is missing or invalid.
	KeyIndex bool
	// Sync is the table of confirmed ids.
	Sync bool
}

// Clone returns a copy that shares nothing with t.
func (t *Table) Clone() *Table {
	c := *t
	c.Columns = slices.Clone(t.Columns)
	c.UnmanagedColumns = slices.Clone(t.UnmanagedColumns)
	c.Key = slices.Clone(t.Key)
	c.Carried = cloneCarried(t.Carried)
	c.Outdated = slices.Clone(t.Outdated)
	c.Years = slices.Clone(t.Years)
	c.UnmanagedYears = slices.Clone(t.UnmanagedYears)
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

// HasYear reports whether the history has a place for year: a partition of its own, or one that
// Metadb did not create.
func (t *Table) HasYear(year int) bool {
	return t.OwnsYear(year) || slices.Contains(t.UnmanagedYears, year)
}

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

// NewTable returns a table without columns, with the names that its relations get. Package plan
// checks whether the names are free.
func NewTable(name change.Table, source string) *Table {
	in := func(relation ident.Name) ident.Qualified {
		return ident.Qualified{Schema: ident.Schema(name.Schema), Name: relation}
	}
	return &Table{
		Name:      name,
		Source:    source,
		Current:   in(ident.Current(name.Name)),
		Main:      in(ident.Main(name.Name)),
		History:   in(ident.History(name.Name)),
		Sync:      in(ident.Sync(name.Name)),
		Sequence:  in(ident.Sequence(name.Name)),
		UniqueKey: true,
		Feeds:     map[change.Origin]change.Table{},
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
