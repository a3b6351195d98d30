package apply

import (
	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// Debezium sends NULL for unchanged long values of some types (change.Event.Omitted). So an update
// to NULL of a long value may be no change, if it is the only sign of one. The log has a warning
// for it, once for each column. With the data source's option to read such a NULL as an unchanged
// value the field is unavailable. For a short value the NULL is real nevertheless: PostgreSQL
// stores only long values out of line.

// omittedColumnNote is the text of the warning for a column.
const omittedColumnNote = "an update has turned a long value into NULL, and the connector sends NULL for long values of this type that have not changed: " +
	"if the source still has them, give the table REPLICA IDENTITY FULL there, or see null_means_unchanged in docs/data-sources.md"

// nulledField is a field of a chunk's rows in which NULL may stand for an unchanged value, and its
// column.
type nulledField struct {
	field, column int
	name          string
}

// columnsOf returns the columns of fields.
func columnsOf(fields []nulledField) []int {
	columns := make([]int, len(fields))
	for i, n := range fields {
		columns[i] = n.column
	}
	return columns
}

// nulledFields returns these fields of a chunk, without columns that were warned of before.
func (r *batchTx) nulledFields(t *tableState, c *history.Chunk) []nulledField {
	var fields []nulledField
	for _, at := range c.OmittedFields {
		name := c.Shape.Columns[at].Name
		if !r.warnedColumns[omittedColumn{t.table.Name, name}] {
			fields = append(fields, nulledField{at, c.Fields[at].Column, name})
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
func (r *batchTx) warnNulled(t *tableState, fields []nulledField, it *history.RowChange, long func(i int) bool) {
	e := &r.batch.Events[it.Event]
	for i, n := range fields {
		if it.Upsert && long(i) && e.IsOmitted(n.field) {
			r.warnOmitted(t, n.name)
		}
	}
}

// warnNulledInChain adds warnings for the fields that are NULL in a change and have a long value in
// the change before it in the chunk.
func (r *batchTx) warnNulledInChain(t *tableState, f *history.FoldedChunk) {
	fields := r.nulledFields(t, f.Chunk)
	if len(fields) == 0 || !f.SeveralPerKey {
		return
	}
	for i := range f.Changes {
		if it := &f.Changes[i]; it.FollowsUpsert {
			before := f.Changes[i-1].Row
			r.warnNulled(t, fields, it, func(n int) bool {
				return textLength(f.Chunk.Shape.Columns[fields[n].field].Type, before.Cell(fields[n].field)) >= sqlgen.MinLongLength
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

// nulledArrays returns a parameter of sqlgen.LongValueColumns for each field: an array with true for each
// of the changes items in which the field is omitted as NULL.
func nulledArrays(events []change.Event, f *history.FoldedChunk, items []int, fields []nulledField) [][]byte {
	arrays := make([][]byte, len(fields))
	for i, n := range fields {
		arrays[i] = pgbinary.NewArray(pgbinary.BoolOID, len(items))
		for _, item := range items {
			it := &f.Changes[item]
			arrays[i] = pgbinary.AppendBool(arrays[i], it.Upsert && events[it.Event].IsOmitted(n.field))
		}
	}
	return arrays
}
