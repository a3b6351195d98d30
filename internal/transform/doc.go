// Package transform makes rows of the documents in a table's JSON columns, as
// the table's mappings say (docs/spec/09-json-mappings.md).
//
//	mappings ─ Compile ─▶ Set
//	Set + columns that exist ─ NewLayout ─▶ Layout
//	document ─ Layout.Add ─▶ Rows ─ Layout.Encode ─▶ change.Row
//
// A [Set] is what the mappings of one table mean, a [Layout] which columns their
// tables have, [Rows] the scalars of documents by table, row and column. Values
// are encoded last, when it is known which types a column has to hold.
//
// What becomes of a document depends on the document and the mappings alone:
// neither the order of an object's members nor earlier documents change under
// which name a field is kept. Documents come from two places, as Debezium sent
// them and as jsonb prints them; both give the same rows.
//
// The package is pure. It owns names, positions and types of fields; it refuses
// to know keys, versions and tables of the database: package history gives each
// row its place.
package transform
