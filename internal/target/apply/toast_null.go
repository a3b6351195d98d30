package apply

import (
	"strconv"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// Debezium sends NULL for unchanged long values of some types (change.Event.Omitted).
// An update that turns a long value into NULL, while nothing else says that it
// changed, may be one: the log says it, once for each column. Where the data source's
// options take such a NULL for an unchanged value it is unavailable, and that of a
// value that is short is a real one nevertheless: PostgreSQL stores only long values
// out of line.

// minLongLength is the length, in characters of its text, from which on a value is
// long.
const minLongLength = 500

// isLongSQL returns the condition that a stored value is long. The first part, which
// reads no value, spares nearly all others from being printed.
func isLongSQL(value string) string {
	return "pg_column_size(" + value + ") > 32 AND length(" + value + "::text) >= " + strconv.Itoa(minLongLength)
}

// omittedColumnNote is what the log says of a column.
const omittedColumnNote = "an update has turned a long value into NULL, and the connector sends NULL for long values of this type that have not changed: " +
	"if the source still has them, give the table REPLICA IDENTITY FULL there, or see null_means_unchanged in docs/data-sources.md"

// nulledField is a field of a chunk's rows in which NULL may stand for an unchanged
// value, and its column.
type nulledField struct {
	field, column int
	name          string
}

// nulledFields returns those fields, but for columns that the log has named.
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

// omittedColumn is a column that the log has named.
type omittedColumn struct {
	table  change.Table
	column string
}

// warnOmitted says in the log that a column has lost a long value.
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

// warnNulled warns of fields that an update has as NULL where the row before it had
// a long value.
func (r *batchTx) warnNulled(t *tableState, fields []nulledField, it *rowChange, long func(i int) bool) {
	e := &r.batch.Events[it.event]
	for i, n := range fields {
		if it.upsert && long(i) && e.IsOmitted(n.field) {
			r.warnOmitted(t, n.name)
		}
	}
}

// warnNulledInChain warns of the fields that a change of the chunk has as NULL where
// the change before it had a long value.
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

// textLength returns about how many characters the text of a value has.
func textLength(t change.Type, cell change.Cell) int {
	if t == change.Numeric {
		return 2 * len(cell.Bytes) // four digits in two bytes
	}
	return len(cell.Bytes)
}

// nulledArrays are the arrays of those changes, of all that keys are for, that have a
// field as NULL, for longValueColumns.
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

// longValueColumns lists, each after a comma, whether the fields' stored values are long,
// for the rows e that an array says, the first of which is parameter number first.
func longValueColumns(t *catalog.Table, fields []nulledField, first int) string {
	list := ""
	for i, n := range fields {
		list += ", ($" + strconv.Itoa(first+i) + "::boolean[])[e.ord] AND coalesce(" + isLongSQL("c."+t.Columns[n.column].Stored.SQL()) + ", false)"
	}
	return list
}

// longValueColumnsOfStage lists, each after a comma, whether the fields' stored values are
// long, for the rows of a stage that are NULL there.
func longValueColumnsOfStage(t *catalog.Table, fields []nulledField) string {
	list := ""
	for _, n := range fields {
		list += ", s." + stageColumn(n.column) + " IS NULL AND coalesce(" + isLongSQL("c."+t.Columns[n.column].Stored.SQL()) + ", false)"
	}
	return list
}

// filledValue returns the value that an unavailable one of a column takes from a
// row: that of the row, or, where it is unavailable because NULL was taken for that,
// only a long one.
func (c *chunk) filledValue(column int, value string) string {
	if !c.assumedUnchanged[column] {
		return value
	}
	return "CASE WHEN " + isLongSQL(value) + " THEN " + value + " END"
}
