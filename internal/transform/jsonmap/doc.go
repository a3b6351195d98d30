// Package jsonmap makes rows of the documents in a table's JSON columns, according to the table's
// mappings (docs/spec/09-json-mappings.md).
//
//	mappings ─ Compile ─▶ Set
//	Set + columns that exist ─ NewLayout ─▶ Layout
//	document ─ Layout.AddDocument ─▶ Rows ─ Layout.NoteRow ─▶ Layout.Shapes ─ Shapes.AppendRow ─▶ change.Row
//
// A [MappingSet] is the compiled mappings of one table, a [Layout] the columns of their tables, [Rows] the
// scalars of documents by table, row and column. Values are encoded last, when the types are known
// that a column has to hold.
//
// The rows of a document depend on the document and the mappings alone: neither the order of an
// object's members nor earlier documents change the name under which a field is stored. Documents
// come from two places, as Debezium sent them and as jsonb prints them; both give the same rows.
//
// The package is pure. It owns names, positions and types of fields. It refuses to deal with keys,
// versions and tables of the database: package history gives each row its place.
package jsonmap
