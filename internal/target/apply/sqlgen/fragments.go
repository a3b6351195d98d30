package sqlgen

import (
	"strconv"
	"strings"

	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// Parts of statements about a table's columns. Identifiers are quoted by their type; all other text
// is constant in this package.

// metaColumns returns the metadata columns, quoted, in their order.
func metaColumns() string { return ident.List(ident.Metadata()) }

// StoredColumns lists the table's columns, each after a comma and a prefix such as "c.".
func StoredColumns(t *catalog.Table, prefix string) string {
	var b strings.Builder
	for _, c := range t.Columns {
		b.WriteString(", " + prefix + c.Stored.SQL())
	}
	return b.String()
}

// stagedColumns lists the stage's columns of the row, each after a comma and a prefix.
func stagedColumns(t *catalog.Table, prefix string) string {
	var b strings.Builder
	for i := range t.Columns {
		b.WriteString(", " + prefix + StageColumn(i))
	}
	return b.String()
}

// sameImageSQL returns the condition that the row of the stage s is bit for bit that of the table's
// row c, as the operator *= compares records.
func sameImageSQL(t *catalog.Table) string { return sameImageExceptSQL(t, nil) }

// sameImageExceptSQL returns the condition of sameImageSQL in which the columns that the stage's row
// lists in s.missing count as equal. missing has all columns that may be listed.
//
// PostgreSQL compares images of whole records only, which it has to build first. That is left to
// the columns that need it: for all others = has the same result, and stops at the first
// difference. The operator *= can't be written between two ROW(…): PostgreSQL parses that as a
// comparison column by column.
// https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
func sameImageExceptSQL(t *catalog.Table, missing map[int]bool) string {
	return sameColumnImagesSQL(t, func(i int) (string, string) {
		s, c := "s."+StageColumn(i), "c."+t.Columns[i].Stored.SQL()
		if missing[i] {
			s = "CASE WHEN " + strconv.Itoa(i) + " = ANY (s.missing) THEN " + c + " ELSE " + s + " END"
		}
		return s, c
	})
}

// sameStoredSQL returns the condition of sameImageSQL for two stored rows with these prefixes.
func sameStoredSQL(t *catalog.Table, one, other string) string {
	return sameColumnImagesSQL(t, func(i int) (string, string) {
		name := t.Columns[i].Stored.SQL()
		return one + name, other + name
	})
}

// sameColumnImagesSQL returns the condition that two values are identical in each column.
func sameColumnImagesSQL(t *catalog.Table, values func(column int) (one, other string)) string {
	var plain, ones, others strings.Builder
	for i, column := range t.Columns {
		one, other := values(i)
		if datatype.InfoOf(column.Type).Equality == datatype.EqualBytes && column.Collation == "" {
			plain.WriteString(one + " IS NOT DISTINCT FROM " + other + " AND ")
			continue
		}
		ones.WriteString(", " + one)
		others.WriteString(", " + other)
	}
	if ones.Len() == 0 {
		return "(" + plain.String() + "true)"
	}
	return "(" + plain.String() + "record_image_eq(ROW(" + TrimComma(ones.String()) + "), ROW(" + TrimComma(others.String()) + ")))"
}

// TrimComma removes the leading comma of a list.
func TrimComma(list string) string { return strings.TrimPrefix(list, ", ") }

// sameKeySQL returns the condition that rows c of the table have the key and origin of the row s of
// the stage, whose key has the null pattern. It is written so that an index serves it, which IS NOT
// DISTINCT FROM would prevent.
func sameKeySQL(t *catalog.Table, key []int, nulls history.NullPattern) string {
	return sameKeyAsSQL("c.", t, key, nulls)
}

// sameKeyAsSQL returns the condition of sameKeySQL for rows of the table with another prefix.
func sameKeyAsSQL(prefix string, t *catalog.Table, key []int, nulls history.NullPattern) string {
	var b strings.Builder
	b.WriteString(prefix + ident.Origin.SQL() + " = s.origin")
	for i, column := range key {
		stored := prefix + t.Columns[column].Stored.SQL()
		if nulls&(1<<i) != 0 {
			b.WriteString(" AND " + stored + " IS NULL AND s." + StageColumn(column) + " IS NULL")
		} else {
			b.WriteString(" AND " + stored + " = s." + StageColumn(column))
		}
	}
	return b.String()
}

// hasKeySQL returns the condition that the key of the row s of the stage has exactly the null
// pattern.
func hasKeySQL(key []int, nulls history.NullPattern) string {
	conditions := make([]string, len(key))
	for i, column := range key {
		conditions[i] = "s." + StageColumn(column) + " IS NOT NULL"
		if nulls&(1<<i) != 0 {
			conditions[i] = "s." + StageColumn(column) + " IS NULL"
		}
	}
	return strings.Join(conditions, " AND ")
}

// isLatestSQL returns the condition that no other current row with the key of c began later. With a
// unique index on the key there is no other row.
func isLatestSQL(t *catalog.Table, key []int, nulls history.NullPattern) string {
	if t.UniqueKey {
		return "true"
	}
	return "NOT EXISTS (SELECT FROM " + t.Current.SQL() + " AS d WHERE " + sameKeyAsSQL("d.", t, key, nulls) +
		" AND (d.__start, d.__id) > (c.__start, c.__id))"
}
