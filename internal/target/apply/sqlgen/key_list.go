package sqlgen

import (
	"strconv"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// KeyList are the parts of a statement with the keys of a chunk as array parameters, one for each key
// column, from $1 on. The parameter after them is the origin.
type KeyList struct {
	// from is the item e of the FROM list, with the number ord of each key from 1 on.
	from string
	// sameRow is the condition that a row c has the key e and the origin.
	sameRow string
	// Parameters is the number of parameters.
	Parameters int
}

// NewKeyList returns the parts for the keys of a chunk in a table. keyColumns have the types of the
// arrays.
func NewKeyList(t *catalog.Table, key []int, keyColumns []change.Column) KeyList {
	types, names, where := "", "", ""
	for n, column := range keyColumns {
		name := "k" + strconv.Itoa(n)
		types += ", $" + strconv.Itoa(n+1) + "::" + column.Type.String() + "[]"
		names += name + ", "
		where += " AND c." + t.Columns[key[n]].Stored.SQL() + " = e." + name
	}
	count := len(keyColumns) + 1
	return KeyList{
		from:       "unnest(" + TrimComma(types) + ") WITH ORDINALITY AS e (" + names + "ord)",
		sameRow:    "c.__origin = $" + strconv.Itoa(count) + "::text" + where,
		Parameters: count,
	}
}

// ReplacedRows returns the query for the current rows of the keys, with further columns.
func (k KeyList) ReplacedRows(t *catalog.Table, columns string) string {
	return "SELECT e.ord, c.__id, c.__start, c.ctid" + columns + " FROM " + k.from + " JOIN " + t.Current.SQL() + " AS c ON " + k.sameRow
}

// RowValues returns the query for the values of the fields in the current rows of the keys. Rows with
// a value in any other column are left out.
func (k KeyList) RowValues(t *catalog.Table, fields []history.ChunkField) string {
	return "SELECT e.ord, c.__id" + fieldColumns(t, fields) + " FROM " + k.from + " JOIN " + t.Current.SQL() + " AS c ON " + k.sameRow + otherColumnsNull(t, fields)
}

// fieldColumns lists the columns of fields, in their order, each after a comma.
func fieldColumns(t *catalog.Table, fields []history.ChunkField) string {
	list := ""
	for _, fd := range fields {
		list += ", c." + t.Columns[fd.Column].Stored.SQL()
	}
	return list
}

// otherColumnsNull returns the condition that all columns without a field are NULL.
func otherColumnsNull(t *catalog.Table, fields []history.ChunkField) string {
	has := make(map[int]bool, len(fields))
	for _, fd := range fields {
		has[fd.Column] = true
	}
	condition := ""
	for i := range t.Columns {
		if !has[i] {
			condition += " AND c." + t.Columns[i].Stored.SQL() + " IS NULL"
		}
	}
	return condition
}

// EqualReplacements returns the query for the numbers of the pairs of an old row, with id $1 and start
// $2 in history, and a new one, with id $3, that are the same.
func EqualReplacements(t *catalog.Table) string {
	return "SELECT e.ord FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS e (old, began, new, ord)" +
		" JOIN " + t.History.SQL() + " AS h ON h.__id = e.old AND h.__start = e.began" +
		" JOIN " + t.Current.SQL() + " AS c ON c.__id = e.new WHERE " + sameStoredSQL(t, "h.", "c.")
}

// DeleteReplacements returns the statement that deletes the current rows with the ids $1.
func DeleteReplacements(t *catalog.Table) string {
	return "DELETE FROM " + t.Current.SQL() + " AS c USING unnest($1::bigint[]) AS e (id) WHERE c.__id = e.id"
}

// RestoreReplaced returns the statement that moves the versions with ids $1 and starts $2 back from
// history, with the end $3.
func RestoreReplaced(t *catalog.Table) string {
	return "WITH back (id, began, origin" + stagedColumns(t, "") + ") AS (DELETE FROM " + t.History.SQL() +
		" AS h USING unnest($1::bigint[], $2::timestamptz[]) AS e (id, began) WHERE h.__id = e.id AND h.__start = e.began" +
		" RETURNING h.__id, h.__start, h.__origin" + StoredColumns(t, "h.") + ")" +
		" INSERT INTO " + t.Current.SQL() + " (" + metaColumns() + StoredColumns(t, "") + ") SELECT id, began, $3::timestamptz, true, origin" +
		stagedColumns(t, "") + " FROM back"
}

// QuickCompareList lists the quick compare columns of a table c, each after a comma.
func QuickCompareList(table *catalog.Table, columns history.QuickCompareColumns) string {
	list := ""
	for _, one := range columns {
		list += ", c." + table.Columns[one.Column].Stored.SQL()
	}
	return list
}
