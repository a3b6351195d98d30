package history

import (
	"strings"

	"metadb/internal/catalog"
	"metadb/internal/ident"
)

// Pieces of statements about a table's columns. Identifiers are quoted by their
// type; the rest are names of this package.

// metaColumns are the metadata columns, quoted, in their order.
func metaColumns() string { return ident.List(ident.Metadata()) }

// storedColumns lists the table's columns, each after a comma and a prefix such
// as "c.".
func storedColumns(t *catalog.Table, prefix string) string {
	var b strings.Builder
	for _, c := range t.Columns {
		b.WriteString(", " + prefix + c.Stored.SQL())
	}
	return b.String()
}

// stagedColumns lists the stage's columns of the row, each after a comma and a
// prefix.
func stagedColumns(t *catalog.Table, prefix string) string {
	var b strings.Builder
	for i := range t.Columns {
		b.WriteString(", " + prefix + stageColumn(i))
	}
	return b.String()
}

// sameImage returns the condition that the row of the stage s is, bit for bit,
// that of the table's row c: what the operator *= says of two records. The
// operator itself can't be written between two ROW(…): PostgreSQL takes that
// for a comparison column by column.
// https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
func sameImage(t *catalog.Table) string {
	return "record_image_eq(ROW(" + trimComma(stagedColumns(t, "s.")) + "), ROW(" + trimComma(storedColumns(t, "c.")) + "))"
}

// trimComma drops the comma that a list begins with.
func trimComma(list string) string { return strings.TrimPrefix(list, ", ") }

// pattern says which columns of a key are NULL, one bit for each.
type pattern uint32

// sameKey returns the condition that rows of the table c have the key and origin
// of the row s of the stage, whose key has NULL where the pattern says so. It is
// made so that an index can serve it: IS NOT DISTINCT FROM could not be.
func sameKey(t *catalog.Table, key []int, nulls pattern) string {
	var b strings.Builder
	b.WriteString("c." + ident.Origin.SQL() + " = s.origin")
	for i, column := range key {
		stored := "c." + t.Columns[column].Stored.SQL()
		if nulls&(1<<i) != 0 {
			b.WriteString(" AND " + stored + " IS NULL AND s." + stageColumn(column) + " IS NULL")
		} else {
			b.WriteString(" AND " + stored + " = s." + stageColumn(column))
		}
	}
	return b.String()
}
