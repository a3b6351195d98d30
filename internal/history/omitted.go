package history

import (
	"strconv"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// Debezium sends NULL for unchanged long values of some types (change.Event.Omitted).
// An update that turns a long value into NULL, while nothing else says that it
// changed, may be one: the log says it, once for each column. Where the data source's
// options take such a NULL for an unchanged value it is unavailable, and that of a
// value that is short is a real one nevertheless: PostgreSQL stores only long values
// out of line.

// shortestLong is the length, in characters of its text, from which on a value is
// long.
const shortestLong = 500

// isLong returns the condition that a stored value is long. The first part, which
// reads no value, spares nearly all others from being printed.
func isLong(value string) string {
	return "pg_column_size(" + value + ") > 32 AND length(" + value + "::text) >= " + strconv.Itoa(shortestLong)
}

// omittedNote is what the log says of a column.
const omittedNote = "an update has turned a long value into NULL, and the connector sends NULL for long values of this type that have not changed: " +
	"if the source still has them, give the table REPLICA IDENTITY FULL there, or see null_means_unchanged in docs/data-sources.md"

// nulled is a field of a chunk's rows in which NULL may stand for an unchanged
// value, and its column.
type nulled struct {
	field, column int
	name          string
}

// nulledFields returns those fields, but for columns that the log has named.
func (r *run) nulledFields(t *target, c *chunk) []nulled {
	var fields []nulled
	for _, at := range c.omitted {
		name := c.shape.Columns[at].Name
		if !r.omitted[omittedColumn{t.table.Name, name}] {
			fields = append(fields, nulled{at, c.fields[at].column, name})
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
func (r *run) warnOmitted(t *target, column string) {
	at := omittedColumn{t.table.Name, column}
	if r.omitted[at] {
		return
	}
	if r.omitted == nil {
		r.omitted = make(map[omittedColumn]bool)
	}
	r.omitted[at] = true
	r.outcome.Columns = append(r.outcome.Columns, change.ColumnNote{Table: t.table.Name, Note: change.Note{Column: column, Severe: true, Text: omittedNote}})
}

// warnNulled warns of fields that an update has as NULL where the row before it had
// a long value.
func (r *run) warnNulled(t *target, fields []nulled, it *item, long func(i int) bool) {
	e := &r.batch.Events[it.event]
	for i, n := range fields {
		if it.upsert && long(i) && e.IsOmitted(n.field) {
			r.warnOmitted(t, n.name)
		}
	}
}

// warnNulledInChain warns of the fields that an item of the chunk has as NULL where
// the item before it had a long value.
func (r *run) warnNulledInChain(t *target, f *folded) {
	fields := r.nulledFields(t, f.chunk)
	if len(fields) == 0 || !f.multiple {
		return
	}
	for i := range f.items {
		if it := &f.items[i]; it.follows {
			before := f.items[i-1].row
			r.warnNulled(t, fields, it, func(n int) bool {
				return textLength(f.chunk.shape.Columns[fields[n].field].Type, before.Cell(fields[n].field)) >= shortestLong
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

// nulledArrays are the arrays of those items, of all that keys are for, that have a
// field as NULL, for isLongWhere.
func nulledArrays(events []change.Event, f *folded, items []int, fields []nulled) [][]byte {
	arrays := make([][]byte, len(fields))
	for i, n := range fields {
		arrays[i] = newArray(boolOID, len(items))
		for _, item := range items {
			it := &f.items[item]
			arrays[i] = appendBool(arrays[i], it.upsert && events[it.event].IsOmitted(n.field))
		}
	}
	return arrays
}

// isLongWhere lists, each after a comma, whether the fields' stored values are long,
// for the rows e that an array says, the first of which is parameter number first.
func isLongWhere(t *catalog.Table, fields []nulled, first int) string {
	list := ""
	for i, n := range fields {
		list += ", ($" + strconv.Itoa(first+i) + "::boolean[])[e.ord] AND coalesce(" + isLong("c."+t.Columns[n.column].Stored.SQL()) + ", false)"
	}
	return list
}

// isLongWhereNull lists, each after a comma, whether the fields' stored values are
// long, for the rows of a stage that are NULL there.
func isLongWhereNull(t *catalog.Table, fields []nulled) string {
	list := ""
	for _, n := range fields {
		list += ", s." + stageColumn(n.column) + " IS NULL AND coalesce(" + isLong("c."+t.Columns[n.column].Stored.SQL()) + ", false)"
	}
	return list
}

// filledValue returns the value that an unavailable one of a column takes from a
// row: that of the row, or, where it is unavailable because NULL was taken for that,
// only a long one.
func (c *chunk) filledValue(column int, value string) string {
	if !c.guessed[column] {
		return value
	}
	return "CASE WHEN " + isLong(value) + " THEN " + value + " END"
}
