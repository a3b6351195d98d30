package sqlgen

import (
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// DrawIDs returns the query that draws $1 ids from the table's sequence. The result has the first
// id alone if all are consecutive, which holds unless another session draws ids; else all, unsorted.
func DrawIDs(t *catalog.Table) string {
	return "SELECT CASE WHEN max(id) - min(id) = count(*) - 1 THEN ARRAY[min(id)] ELSE array_agg(id) END" +
		" FROM (SELECT nextval(" + t.Sequence.Regclass() + ") AS id, generate_series(1, $1::bigint)) AS drawn"
}

// InsertStaged returns the statement that inserts versions from the stage, with ids $1, starts $2 and
// ends $3 by change. An id of 0 means no version: sequences begin with 1.
func InsertStaged(t *catalog.Table, into ident.Qualified, st *Stage) string {
	return "INSERT INTO " + into.SQL() + " (" + metaColumns() + StoredColumns(t, "") + ")" +
		" SELECT ($1::bigint[])[s.ord + 1], ($2::timestamptz[])[s.ord + 1], ($3::timestamptz[])[s.ord + 1], $4::boolean, s.origin" + stagedColumns(t, "s.") +
		" FROM " + st.SQL() + " s WHERE NOT s.probe AND ($1::bigint[])[s.ord + 1] <> 0"
}

// CopyVersions returns the COPY of versions into a relation of the table, with the columns of the
// fields. Other columns stay NULL.
func CopyVersions(into ident.Qualified, t *catalog.Table, fields []history.ChunkField) string {
	sql := "COPY " + into.SQL() + " (" + metaColumns()
	for _, fd := range fields {
		sql += ", " + t.Columns[fd.Column].Stored.SQL()
	}
	return sql + ")"
}

// CopyConfirmed returns the COPY of the ids of confirmed rows.
func CopyConfirmed(t *catalog.Table) string {
	return "COPY " + t.Sync.SQL() + " (" + ident.ID.SQL() + ")"
}

// InsertEnded returns the statement that copies current versions into history, with ids $1, ends $2 and
// ctids $3. DeleteEnded removes them from the current table. There are two statements because DELETE …
// RETURNING into INSERT copies every row once more, which costs more than a second lookup.
func InsertEnded(t *catalog.Table, into ident.Qualified) string {
	return "INSERT INTO " + into.SQL() + " (" + metaColumns() + StoredColumns(t, "") + ")" +
		" SELECT c.__id, c.__start, e.at, false, c.__origin" + StoredColumns(t, "c.") +
		" FROM unnest($1::bigint[], $2::timestamptz[], $3::tid[]) AS e (id, at, place) JOIN " + t.Current.SQL() + " AS c ON c.ctid = e.place AND c.__id = e.id"
}

// DeleteEnded returns the statement that deletes current versions, with ids $1 and ctids $2.
func DeleteEnded(t *catalog.Table) string {
	return "DELETE FROM " + t.Current.SQL() + " AS c USING unnest($1::bigint[], $2::tid[]) AS e (id, place) WHERE c.ctid = e.place AND c.__id = e.id"
}

// EndRows returns the statement that ends the current rows c that meet a condition on them and on
// the joined rows, at a time. It returns their number and their last end.
func EndRows(t *catalog.Table, using, where, at string) string {
	return "WITH gone (" + GoneColumns(t) + ") AS (DELETE FROM " + t.Current.SQL() + " AS c" + using + " WHERE " + where +
		" RETURNING 0, c.__id, c.__start, greatest(" + at + ", c.__start), c.__origin" + StoredColumns(t, "c.") + ")" +
		", moved AS (" + MoveToHistory(t) + " RETURNING __end) SELECT count(*), max(__end) FROM moved"
}

// TruncatedYears returns the query for the years in which current rows with a condition began. The
// time $2 need not be in the condition.
func TruncatedYears(t *catalog.Table, where string) string {
	return "SELECT coalesce(array_agg(DISTINCT extract(year FROM __start)::int), '{}') FROM " + t.Current.SQL() + " AS c WHERE " + where + " AND $2::timestamptz IS NOT NULL"
}

// TruncateOvertaken returns the statement by which a truncate of origin $1 at $2 ends versions in a
// history table that later changes had ended already. $3 are ids of versions that began at $2 and
// before the truncate.
func TruncateOvertaken(history ident.Qualified) string {
	return "UPDATE " + history.SQL() + " SET __end = $2 WHERE __origin = $1 AND (__start < $2 OR __id = ANY ($3)) AND __end > $2"
}

// ReinsertedRows returns the query for the versions $1 of origin $4 that a truncate at $2 ends. $3
// are ids of versions that began at $2 and before the truncate.
func ReinsertedRows(t *catalog.Table) string {
	return "SELECT __id, __end" + StoredColumns(t, "") + " FROM " + t.Main.SQL() +
		" WHERE __id = ANY ($1) AND __origin = $4::text AND (__start < $2 OR __id = ANY ($3)) AND __end > $2 ORDER BY __id"
}

// ResumeVersion returns the statement that writes the version $1 again, with id $2, from $3 to $4. $5
// is true for a current version.
func ResumeVersion(t *catalog.Table, into ident.Qualified) string {
	return "INSERT INTO " + into.SQL() + " (" + metaColumns() + StoredColumns(t, "") + ")" +
		" SELECT $2, $3, $4, $5, __origin" + StoredColumns(t, "") + " FROM " + t.Main.SQL() + " WHERE __id = $1"
}

// BeginEarlier returns the statement that sets the start of version $1 to $2.
func BeginEarlier(t *catalog.Table) string {
	return "UPDATE " + t.Main.SQL() + " SET " + ident.Start.SQL() + " = $2 WHERE __id = $1"
}

// EndEarlier returns the statement that sets the end of version $1, which is in history, to $2.
func EndEarlier(t *catalog.Table) string {
	return "UPDATE " + t.History.SQL() + " SET " + ident.End.SQL() + " = $2 WHERE __id = $1"
}

// GoneColumns lists the columns of the query "gone", with deleted rows, under generated names,
// because a table's column can have any name.
func GoneColumns(t *catalog.Table) string {
	return "ord, id, began, ended, origin" + stagedColumns(t, "")
}

// MoveToHistory returns the end of a statement, which inserts the rows of "gone" into history.
func MoveToHistory(t *catalog.Table) string {
	return "INSERT INTO " + t.History.SQL() + " (" + metaColumns() + StoredColumns(t, "") + ")" +
		" SELECT id, began, ended, false, origin" + stagedColumns(t, "") + " FROM gone"
}
