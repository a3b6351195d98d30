package apply

import (
	"strconv"
	"strings"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
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

// sameImageSQL returns the condition that the row of the stage s is, bit for bit,
// that of the table's row c: what the operator *= says of two records.
func sameImageSQL(t *catalog.Table) string { return sameImageExceptSQL(t, nil) }

// sameImageExceptSQL is sameImageSQL where the columns listed in s.missing, which are
// among the given ones, count as the same.
//
// PostgreSQL compares record images only of whole records, which it makes first.
// That is left to the columns that need it: for the others = says the same, and
// stops at the first that differs. The operator *= itself can't be written
// between two ROW(…): PostgreSQL takes that for a comparison column by column.
// https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
func sameImageExceptSQL(t *catalog.Table, missing map[int]bool) string {
	return sameColumnImagesSQL(t, func(i int) (string, string) {
		s, c := "s."+stageColumn(i), "c."+t.Columns[i].Stored.SQL()
		if missing[i] {
			s = "CASE WHEN " + strconv.Itoa(i) + " = ANY (s.missing) THEN " + c + " ELSE " + s + " END"
		}
		return s, c
	})
}

// sameStoredSQL is sameImageSQL for two stored rows, which have these prefixes.
func sameStoredSQL(t *catalog.Table, one, other string) string {
	return sameColumnImagesSQL(t, func(i int) (string, string) {
		name := t.Columns[i].Stored.SQL()
		return one + name, other + name
	})
}

// sameColumnImagesSQL compares two values for each column.
func sameColumnImagesSQL(t *catalog.Table, values func(column int) (one, other string)) string {
	var plain, ones, others strings.Builder
	for i, column := range t.Columns {
		one, other := values(i)
		if isEqualIdentical(column.Type) && column.Collation == "" {
			plain.WriteString(one + " IS NOT DISTINCT FROM " + other + " AND ")
			continue
		}
		ones.WriteString(", " + one)
		others.WriteString(", " + other)
	}
	if ones.Len() == 0 {
		return "(" + plain.String() + "true)"
	}
	return "(" + plain.String() + "record_image_eq(ROW(" + trimComma(ones.String()) + "), ROW(" + trimComma(others.String()) + ")))"
}

// isEqualIdentical tells the types whose values are equal only if they are stored
// alike: not numbers with a scale, a sign of zero or more than one NaN, nor
// intervals, times with a zone, or documents. Text is compared by the database's
// collation, which tells all texts apart; collations that don't can only be a
// column's (catalog.Column.Collation).
// https://www.postgresql.org/docs/current/collation.html#COLLATION-NONDETERMINISTIC
func isEqualIdentical(t change.Type) bool {
	switch t {
	case change.Text, change.Boolean, change.SmallInt, change.Integer, change.BigInt, change.Date, change.Time,
		change.Timestamp, change.TimestampTZ, change.UUID, change.Bytea:
		return true
	}
	return false
}

// regclassSQL returns the constant that stands for a relation in an expression.
func regclassSQL(relation ident.Qualified) string {
	return "'" + strings.ReplaceAll(relation.SQL(), "'", "''") + "'::regclass"
}

// trimComma drops the comma that a list begins with.
func trimComma(list string) string { return strings.TrimPrefix(list, ", ") }

// nullPattern says which columns of a key are NULL, one bit for each.
type nullPattern uint32

// sameKeySQL returns the condition that rows of the table c have the key and origin
// of the row s of the stage, whose key has NULL where the pattern says so. It is
// made so that an index can serve it: IS NOT DISTINCT FROM could not be.
func sameKeySQL(t *catalog.Table, key []int, nulls nullPattern) string {
	return sameKeyAsSQL("c.", t, key, nulls)
}

// sameKeyAsSQL is sameKeySQL for rows of the table that have another prefix than c.
func sameKeyAsSQL(prefix string, t *catalog.Table, key []int, nulls nullPattern) string {
	var b strings.Builder
	b.WriteString(prefix + ident.Origin.SQL() + " = s.origin")
	for i, column := range key {
		stored := prefix + t.Columns[column].Stored.SQL()
		if nulls&(1<<i) != 0 {
			b.WriteString(" AND " + stored + " IS NULL AND s." + stageColumn(column) + " IS NULL")
		} else {
			b.WriteString(" AND " + stored + " = s." + stageColumn(column))
		}
	}
	return b.String()
}

// hasKeySQL returns the condition that the row s of the stage has a key with NULL where
// the pattern says so, and nowhere else.
func hasKeySQL(key []int, nulls nullPattern) string {
	conditions := make([]string, len(key))
	for i, column := range key {
		conditions[i] = "s." + stageColumn(column) + " IS NOT NULL"
		if nulls&(1<<i) != 0 {
			conditions[i] = "s." + stageColumn(column) + " IS NULL"
		}
	}
	return strings.Join(conditions, " AND ")
}

// isLatestSQL returns the condition that no other current row with the key of c began
// later. Where the index on the key is unique there is no other, and nothing to
// ask.
func isLatestSQL(t *catalog.Table, key []int, nulls nullPattern) string {
	if t.UniqueKey {
		return "true"
	}
	return "NOT EXISTS (SELECT FROM " + t.Current.SQL() + " AS d WHERE " + sameKeyAsSQL("d.", t, key, nulls) +
		" AND (d.__start, d.__id) > (c.__start, c.__id))"
}
