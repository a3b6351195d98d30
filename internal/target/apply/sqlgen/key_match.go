package sqlgen

import (
	"strconv"

	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// KeyMatch pairs the rows s of a stage with the rows c of a table that have their key and origin.
// key are the indexes of the table's columns that identify its rows; nulls says which of them are
// NULL, because an index finds a NULL by another condition than a value.
type KeyMatch struct {
	Table *catalog.Table
	Stage *Stage
	Key   []int
	Nulls history.NullPattern
}

// sameKey returns the condition that s and c have the same key and origin.
func (m KeyMatch) sameKey() string { return sameKeySQL(m.Table, m.Key, m.Nulls) }

// CurrentRows returns the query for the current row of each chain, and whether the chain's first
// version equals it. For the columns long it adds whether an update to NULL replaces a long value.
func (m KeyMatch) CurrentRows(long []int) string {
	return "SELECT s.ord, c.__id, c.__start, c.ctid, s.upsert AND " + sameImageSQL(m.Table) + longValueColumnsOfStage(m.Table, long) +
		" FROM " + m.Stage.SQL() + " s JOIN " + m.Table.Current.SQL() + " c ON " + m.sameKey() +
		" WHERE s.head"
}

// LastEnds returns the query for the last __end of the keys whose changes are marked in $1.
func (m KeyMatch) LastEnds() string {
	return "SELECT s.ord, max(c.__end) FROM " + m.Stage.SQL() + " s JOIN " + m.Table.History.SQL() + " c ON " + m.sameKey() +
		" WHERE ($1::boolean[])[s.ord + 1] GROUP BY s.ord"
}

// LastEndedAt returns the query for the changes marked in $1 whose key has its last __end at $2.
func (m KeyMatch) LastEndedAt() string {
	return "SELECT s.ord FROM " + m.Stage.SQL() + " s WHERE ($1::boolean[])[s.ord + 1]" +
		" AND (SELECT max(c.__end) FROM " + m.Table.Main.SQL() + " c WHERE " + m.sameKey() + ") = $2"
}

// Repeated returns the query for the changes marked in $1 that have left a trace in the versions of
// their keys. Columns in missing are not compared where a change has no value. With byPosition the
// positions of changes at the same time count too: $2 and $3 are ids and LSNs, $4 has the LSN of
// each marked change, $5 marks inserts.
func (m KeyMatch) Repeated(missing map[int]bool, byPosition bool) string {
	had := func(condition string) string {
		return "EXISTS (SELECT FROM " + m.Table.Main.SQL() + " c WHERE " + m.sameKey() + " AND " + condition + ")"
	}
	begins := ""
	if byPosition { // an insert begins a version: one that ended at its time existed before it
		begins = " AND (c.__end > s.at OR NOT ($5::boolean[])[s.ord + 1] OR c.__start >= s.at AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)" +
			" WHERE p.id = c.__id AND p.lsn < ($4::bigint[])[s.ord + 1]))"
	}
	sql := "SELECT s.ord FROM " + m.Stage.SQL() + " s WHERE ($1::boolean[])[s.ord + 1] AND CASE WHEN s.upsert THEN " +
		had("(c.__start > s.at OR s.at <= c.__end AND "+sameImageExceptSQL(m.Table, missing)+begins+")") +
		" ELSE " + hasKeySQL(m.Key, m.Nulls) + " AND (" + had("(c.__start > s.at OR c.__end = s.at AND NOT c.__current)") +
		" OR NOT " + had("c.__start <= s.at AND s.at < c.__end") + ") END"
	if byPosition {
		sql += " AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn) JOIN " + m.Table.Main.SQL() + " c ON c.__id = p.id WHERE " + m.sameKey() +
			" AND c.__start = s.at AND c.__end > s.at AND p.lsn < ($4::bigint[])[s.ord + 1] AND NOT (s.upsert AND " + sameImageExceptSQL(m.Table, missing) + "))"
	}
	return sql
}

// LastingVersions returns the query for the versions that end at the time of a change marked in $1 or
// later, in the order of their ends.
func (m KeyMatch) LastingVersions(missing map[int]bool) string {
	return "SELECT s.ord, c.__id, c.__start, c.__end, c.__current, s.upsert AND " + sameImageExceptSQL(m.Table, missing) + " FROM " + m.Stage.SQL() + " s JOIN " + m.Table.Main.SQL() + " c ON " + m.sameKey() +
		" WHERE ($1::boolean[])[s.ord + 1] AND c.__end >= s.at ORDER BY s.ord, c.__end, c.__id"
}

// Intervals returns the query for all versions of the key of a stage's only change, in order of time.
func (m KeyMatch) Intervals() string {
	return "SELECT c.__id, c.ctid, c.__start, c.__end, c.__current, s.upsert AND " + sameImageSQL(m.Table) +
		" FROM " + m.Stage.SQL() + " s JOIN " + m.Table.Main.SQL() + " c ON " + m.sameKey() +
		" WHERE s.head ORDER BY c.__start, c.__id"
}

// FillFromCurrent returns the statement that fills unavailable values of the columns in the stage
// from the key's current row. assumed are the columns in which NULL counts as unavailable.
func (m KeyMatch) FillFromCurrent(columns []int, assumed map[int]bool) string {
	value := func(column int) string {
		return filledColumnSQL("s", column, filledValue(assumed, column, "c."+m.Table.Columns[column].Stored.SQL()))
	}
	return m.Stage.UpdateSQL("s", columns, value, m.Table.Current.SQL()+" AS c",
		m.sameKey()+" AND s.missing IS NOT NULL AND s.via IS NULL AND "+isLatestSQL(m.Table, m.Key, m.Nulls))
}

// FillByOldKey returns the statement of fillFromCurrent for changes with an old key: the probe s has
// the old key, and the change i gets the values of its last version.
func (m KeyMatch) FillByOldKey(columns []int, assumed map[int]bool) string {
	values := ""
	for _, column := range columns {
		values += ", c." + m.Table.Columns[column].Stored.SQL() + " AS " + StageColumn(column)
	}
	value := func(column int) string {
		return filledColumnSQL("i", column, filledValue(assumed, column, "v."+StageColumn(column)))
	}
	from := m.Stage.SQL() + " AS s JOIN " + m.Stage.SQL() + " AS w ON w.via = s.ord" +
		" CROSS JOIN LATERAL (SELECT " + TrimComma(values) + " FROM " + m.Table.Main.SQL() + " AS c WHERE " + m.sameKey() +
		" AND (c.__current OR NOT s.upsert AND c.__end = greatest(s.at, c.__start))" +
		" ORDER BY c.__current = s.follows DESC, c.__start DESC, c.__id DESC LIMIT 1) AS v"
	return m.Stage.UpdateSQL("i", columns, value, from, "s.probe AND i.ord = w.ord")
}

// PairedDeletes returns the query for the changes with an old key under which a version has ended
// with the same change of key.
func (m KeyMatch) PairedDeletes() string {
	return "SELECT w.ord FROM " + m.Stage.SQL() + " AS s JOIN " + m.Stage.SQL() + " AS w ON w.via = s.ord WHERE s.probe AND EXISTS (SELECT FROM " +
		m.Table.Main.SQL() + " AS c WHERE " + m.sameKey() + " AND NOT c.__current AND c.__end = greatest(s.at, c.__start))"
}

// FillFromVersion returns the statement that fills unavailable values of a stage's only change from
// the version with the id $1.
func FillFromVersion(t *catalog.Table, st *Stage, columns []int, assumed map[int]bool) string {
	value := func(column int) string { return filledValue(assumed, column, "c."+t.Columns[column].Stored.SQL()) }
	return st.UpdateSQL("s", columns, value, t.Main.SQL()+" AS c", "s.head AND c.__id = $1")
}

// EqualNeighbours returns the query for the changes in a stage that equal the change before them in
// their chain. The order by ord puts the changes of a chain next to one another.
func EqualNeighbours(t *catalog.Table, st *Stage) string {
	row := "ROW(" + TrimComma(stagedColumns(t, "")) + ")"
	return "SELECT ord FROM (SELECT ord, follows AND upsert AND record_image_eq(" + row + ", lag(" + row + ") OVER (ORDER BY ord)) AS same FROM " +
		st.SQL() + " AS i WHERE NOT probe) s WHERE same"
}

// filledColumnSQL returns the value of a column in a row of the stage, or the given value where it
// is missing.
func filledColumnSQL(row string, column int, value string) string {
	return "CASE WHEN " + strconv.Itoa(column) + " = ANY (" + row + ".missing) THEN " + value + " ELSE " + row + "." + StageColumn(column) + " END"
}

// filledValue returns the expression that fills an unavailable value of a column from value: value
// itself or, in columns where NULL is assumed to be unavailable, value if it is long.
func filledValue(assumed map[int]bool, column int, value string) string {
	if !assumed[column] {
		return value
	}
	return "CASE WHEN " + isLongSQL(value) + " THEN " + value + " END"
}

// MinLongLength is the length, in characters of its text, from which on a value is long.
const MinLongLength = 500

// isLongSQL returns the condition that a stored value is long. Its first part does not read the
// value, and avoids converting nearly all others to text.
func isLongSQL(value string) string {
	return "pg_column_size(" + value + ") > 32 AND length(" + value + "::text) >= " + strconv.Itoa(MinLongLength)
}

// LongValueColumns lists, each after a comma, whether the fields' stored values are long, for the
// rows e in which the field is omitted. The parameters of nulledArrays begin with number first.
func LongValueColumns(t *catalog.Table, columns []int, first int) string {
	list := ""
	for i, column := range columns {
		list += ", ($" + strconv.Itoa(first+i) + "::boolean[])[e.ord] AND coalesce(" + isLongSQL("c."+t.Columns[column].Stored.SQL()) + ", false)"
	}
	return list
}

// longValueColumnsOfStage lists, each after a comma, whether the fields' stored values are long,
// for the rows of a stage in which they are NULL.
func longValueColumnsOfStage(t *catalog.Table, columns []int) string {
	list := ""
	for _, column := range columns {
		list += ", s." + StageColumn(column) + " IS NULL AND coalesce(" + isLongSQL("c."+t.Columns[column].Stored.SQL()) + ", false)"
	}
	return list
}
