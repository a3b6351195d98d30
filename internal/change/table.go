package change

// Table names a table: at the source, or in the target, where Name is that of
// the current table before any shortening (the main table adds "__").
type Table struct {
	Schema string
	Name   string
}

// String returns schema.name for messages. It is not SQL: see package ident.
func (t Table) String() string { return t.Schema + "." + t.Name }

// Origin tags the rows of one of several sources that share a table (docs/spec/04-origins.md).
// The empty Origin is the ordinary one.
type Origin string

// Column is a column of a source table as its change events describe it.
type Column struct {
	Name string
	Type Type
}

// A Shape lists the columns of a row and which of them identify it. It is made
// once for each schema that a stream carries, shared by many events, and never
// changed: two events with the same *Shape have the same columns.
type Shape struct {
	// Columns in the order of the source.
	Columns []Column
	// Filled says of each column whether the source fills it in existing rows when it
	// is added: it has a default, or may not be NULL. Nil if that holds for no column.
	Filled []bool
	// Key holds the indexes into Columns of the fields that identify a row,
	// in the order of the record's key: the fields of the key that the row
	// has too.
	Key []int
}
