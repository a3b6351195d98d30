package apply

import (
	"strconv"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// Debezium sends NULL for unchanged long values of some types (change.Event.Omitted). So an update
// to NULL of a long value may be no change, if it is the only sign of one. The log has a warning
// for it, once for each column. With the data source's option to read such a NULL as an unchanged
// value the field is unavailable. For a short value the NULL is real nevertheless: PostgreSQL
// stores only long values out of line.

// minLongLength is the length, in characters of its text, from which on a value is long.
const minLongLength = 500

// isLongSQL returns the condition that a stored value is long. Its first part does not read the
// value, and avoids converting nearly all others to text.
func isLongSQL(value string) string {
	return "pg_column_size(" + value + ") > 32 AND length(" + value + "::text) >= " + strconv.Itoa(minLongLength)
}

// omittedColumnNote is the text of the warning for a column.
const omittedColumnNote = "an update has turned a long value into NULL, and the connector sends NULL for long values of this type that have not changed: " +
	"if the source still has them, give the table REPLICA IDENTITY FULL there, or see null_means_unchanged in docs/data-sources.md"

// nulledField is a field of a chunk's rows in which NULL may stand for an unchanged value, and its
// column.
type nulledField struct {
	field, column int
	name          string
}

// nulledFields returns these fields of a chunk, without columns that were warned of before.
func (r *batchTx) nulledFields(t *tableState, c *chunk) []nulledField {
	var fields []nulledField
	for _, at := range c.omittedFields {
		name := c.shape.Columns[at].Name
		if !r.warnedColumns[omittedColumn{t.table.Name, name}] {
			fields = append(fields, nulledField{at, c.fields[at].column, name})
		}
	}
	return fields
}

// omittedColumn is a column that was warned of.
type omittedColumn struct {
	table  change.Table
	column string
}

// warnOmitted adds the warning for a column that has lost a long value.
func (r *batchTx) warnOmitted(t *tableState, column string) {
	at := omittedColumn{t.table.Name, column}
	if r.warnedColumns[at] {
		return
	}
	if r.warnedColumns == nil {
		r.warnedColumns = make(map[omittedColumn]bool)
	}
	r.warnedColumns[at] = true
	r.outcome.Columns = append(r.outcome.Columns, change.ColumnNote{Table: t.table.Name, Note: change.Note{Column: column, Severe: true, Text: omittedColumnNote}})
}

// warnNulled adds warnings for the fields that are NULL in an update and have a long value in the
// row before it, as long reports.
func (r *batchTx) warnNulled(t *tableState, fields []nulledField, it *rowChange, long func(i int) bool) {
	e := &r.batch.Events[it.event]
	for i, n := range fields {
		if it.upsert && long(i) && e.IsOmitted(n.field) {
			r.warnOmitted(t, n.name)
		}
	}
}

// warnNulledInChain adds warnings for the fields that are NULL in a change and have a long value in
// the change before it in the chunk.
func (r *batchTx) warnNulledInChain(t *tableState, f *foldedChunk) {
	fields := r.nulledFields(t, f.chunk)
	if len(fields) == 0 || !f.severalPerKey {
		return
	}
	for i := range f.changes {
		if it := &f.changes[i]; it.followsUpsert {
			before := f.changes[i-1].row
			r.warnNulled(t, fields, it, func(n int) bool {
				return textLength(f.chunk.shape.Columns[fields[n].field].Type, before.Cell(fields[n].field)) >= minLongLength
			})
		}
	}
}

// textLength returns the approximate length, in characters, of a value's text.
func textLength(t change.Type, cell change.Cell) int {
	if t == change.Numeric {
		return 2 * len(cell.Bytes) // four digits in two bytes
	}
	return len(cell.Bytes)
}

// nulledArrays returns a parameter of longValueColumns for each field: an array with true for each
// of the changes items in which the field is omitted as NULL.
func nulledArrays(events []change.Event, f *foldedChunk, items []int, fields []nulledField) [][]byte {
	arrays := make([][]byte, len(fields))
	for i, n := range fields {
		arrays[i] = newBinaryArray(boolOID, len(items))
		for _, item := range items {
			it := &f.changes[item]
			arrays[i] = appendBool(arrays[i], it.upsert && events[it.event].IsOmitted(n.field))
		}
	}
	return arrays
}

// longValueColumns lists, each after a comma, whether the fields' stored values are long, for the
// rows e in which the field is omitted. The parameters of nulledArrays begin with number first.
func longValueColumns(t *catalog.Table, fields []nulledField, first int) string {
	list := ""
	for i, n := range fields {
		list += ", ($" + strconv.Itoa(first+i) + "::boolean[])[e.ord] AND coalesce(" + isLongSQL("c."+t.Columns[n.column].Stored.SQL()) + ", false)"
	}
	return list
}

// longValueColumnsOfStage lists, each after a comma, whether the fields' stored values are long,
// for the rows of a stage in which they are NULL.
func longValueColumnsOfStage(t *catalog.Table, fields []nulledField) string {
	list := ""
	for _, n := range fields {
		list += ", s." + stageColumn(n.column) + " IS NULL AND coalesce(" + isLongSQL("c."+t.Columns[n.column].Stored.SQL()) + ", false)"
	}
	return list
}

// filledValue returns the expression that fills an unavailable value of a column from value: value
// itself or, in columns where NULL was read as unavailable, value if it is long.
func (c *chunk) filledValue(column int, value string) string {
	if !c.assumedUnchanged[column] {
		return value
	}
	return "CASE WHEN " + isLongSQL(value) + " THEN " + value + " END"
}
