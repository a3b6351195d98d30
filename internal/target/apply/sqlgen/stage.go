package sqlgen

import (
	"slices"
	"strconv"
	"strings"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// Stage is a temporary table with the rows of a chunk: the fold's result for each change, and the row
// as the target table stores it. Where temporary tables can't be created it is a part of the table
// metadb.stage: the meta columns, and the row as an array of texts.
type Stage struct {
	Number int
	Types  []change.Type
	// Permanent is set if the rows are in the permanent table.
	Permanent bool
}

// stageMetaColumns defines the columns of a stage that come before the row.
const stageMetaColumns = `ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean,
	at timestamptz, origin text, missing int[], via int`

// stageMetaNames has their names, StageMetaCount their number.
const (
	stageMetaNames = "ord, head, follows, upsert, probe, suspect, at, origin, missing, via"
	StageMetaCount = 10
)

// PermanentStage is the table that stands in for temporary ones.
const PermanentStage = "metadb.stage"

// CreateSQL returns the statements that create the stage's temporary table. An existing table of
// that name is emptied.
func (s *Stage) CreateSQL() string {
	var sql strings.Builder
	sql.WriteString("CREATE TEMPORARY TABLE IF NOT EXISTS " + s.tableName().SQL() + " (" + stageMetaColumns)
	for i, t := range s.Types {
		sql.WriteString(", " + StageColumn(i) + " " + t.String())
	}
	sql.WriteString(") ON COMMIT DELETE ROWS; DELETE FROM " + s.SQL())
	return sql.String()
}

// tableName returns the name of the stage's temporary table.
func (s *Stage) tableName() ident.Name { return ident.Name("metadb_stage_" + strconv.Itoa(s.Number)) }

// SQL returns the stage as an item of a FROM list, which needs an alias.
func (s *Stage) SQL() string {
	if s.Permanent {
		return s.permanentRowsSQL()
	}
	return ident.Qualified{Schema: "pg_temp", Name: s.tableName()}.SQL()
}

// EmptySQL returns the statement that deletes the stage's rows.
func (s *Stage) EmptySQL() string {
	if s.Permanent {
		return "DELETE FROM " + PermanentStage + " WHERE number = " + strconv.Itoa(s.Number)
	}
	return "DELETE FROM " + s.SQL()
}

// CopySQL returns the statement that copies rows into the stage: the meta columns, then the fields
// that copyToStage appends for these columns.
func (s *Stage) CopySQL(columns []int) string {
	if s.Permanent {
		return "COPY " + PermanentStage + " (" + stageMetaNames + ", number, cells)"
	}
	return "COPY " + s.SQL() + " (" + stageMetaNames + ", " + stageColumns(columns) + ")"
}

// InsertSQL returns the statement that inserts a row for each row of a FROM list, with the
// expressions values for the given columns.
func (s *Stage) InsertSQL(columns []int, values []string, from string) string {
	if s.Permanent {
		return s.permanentInsertSQL(columns, values, from)
	}
	return "INSERT INTO " + s.SQL() + " (" + stageMetaNames + ", " + stageColumns(columns) + ")" +
		" SELECT " + stageMetaNames + ", " + strings.Join(values, ", ") + " FROM " + from
}

// UpdateSQL returns the statement that sets columns of the stage's rows, which have an alias, to
// values from the items of a FROM list under a condition.
func (s *Stage) UpdateSQL(alias string, columns []int, value func(column int) string, from, where string) string {
	if s.Permanent {
		return s.permanentUpdateSQL(alias, columns, value, from, where)
	}
	set := ""
	for _, column := range columns {
		set += ", " + StageColumn(column) + " = " + value(column)
	}
	return "UPDATE " + s.SQL() + " AS " + alias + " SET " + TrimComma(set) + " FROM " + from + " WHERE " + where
}

// stageColumns lists columns of a stage.
func stageColumns(columns []int) string {
	list := ""
	for _, column := range columns {
		list += ", " + StageColumn(column)
	}
	return TrimComma(list)
}

// StageColumn returns the name of a stage's column for column i of the row. The table's own name
// could be one of stageMetaNames.
func StageColumn(i int) string { return "c" + strconv.Itoa(i) }

// permanentRowsSQL returns the stage's rows in the permanent table, with the columns of a temporary
// one.
func (s *Stage) permanentRowsSQL() string {
	var sql strings.Builder
	sql.WriteString("(SELECT " + stageMetaNames)
	for i, t := range s.Types {
		sql.WriteString(", cells[" + strconv.Itoa(i+1) + "]::" + t.String() + " AS " + StageColumn(i))
	}
	sql.WriteString(" FROM " + PermanentStage + " WHERE number = " + strconv.Itoa(s.Number) + ")")
	return sql.String()
}

// permanentInsertSQL returns the statement of insertSQL for the permanent table.
func (s *Stage) permanentInsertSQL(columns []int, values []string, from string) string {
	cells := make([]string, len(s.Types))
	for i := range cells {
		cells[i] = "NULL"
		if at := slices.Index(columns, i); at >= 0 {
			cells[i] = "(" + values[at] + ")::text"
		}
	}
	return "INSERT INTO " + PermanentStage + " (number, " + stageMetaNames + ", cells) SELECT " + strconv.Itoa(s.Number) + ", " + stageMetaNames +
		", ARRAY[" + strings.Join(cells, ", ") + "]::text[] FROM " + from
}

// permanentUpdateSQL returns the statement of updateSQL for the permanent table.
func (s *Stage) permanentUpdateSQL(alias string, columns []int, value func(column int) string, from, where string) string {
	set := ""
	for _, column := range columns {
		set += ", cells[" + strconv.Itoa(column+1) + "] = (" + value(column) + ")::text"
	}
	return "UPDATE " + PermanentStage + " AS stored SET " + TrimComma(set) + " FROM " + s.SQL() + " AS " + alias + ", " + from +
		" WHERE stored.number = " + strconv.Itoa(s.Number) + " AND stored.ord = " + alias + ".ord AND " + where
}

// DropSQL returns the statement that drops the stage's temporary table.
func (s *Stage) DropSQL() string { return "DROP TABLE IF EXISTS " + s.SQL() }
