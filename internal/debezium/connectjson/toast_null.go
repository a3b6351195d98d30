package connectjson

import (
	"strconv"

	"metadb/internal/change"
)

// Debezium has no placeholder for unchanged TOAST of some types: it sends NULL.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-toasted-values

// minLongDigits is how many digits a numeric may have that is stored out of line.
const minLongDigits = 100

// isOmitted reports whether the connector may send NULL for unchanged long values of
// a field. text[] has the same schema as inet[] and enum arrays, bigint[] the same as
// oid[]; the connector sends NULL for the latter ones only.
func (s *schema) isOmitted() bool {
	switch {
	case s.Type == typeArray:
		return s.Items != nil && !s.Items.hasPlaceholder()
	case s.Type == typeStruct:
		return true // numeric without precision, geometry, sparse vectors
	case s.Name == "io.debezium.data.Bits":
		return s.atLeast("length", 8*minLongDigits)
	case s.Name == "org.apache.kafka.connect.data.Decimal":
		return s.atLeast("connect.decimal.precision", minLongDigits)
	}
	return false
}

// hasPlaceholder reports whether an array of such elements has a placeholder.
func (s *schema) hasPlaceholder() bool {
	switch s.Name {
	case "":
		return s.Type == typeInt32 || s.Type == typeBytes
	case "io.debezium.data.Json", "io.debezium.data.Uuid", "io.debezium.time.Date", "org.apache.kafka.connect.data.Date":
		return true
	}
	return false
}

// atLeast reports whether a parameter of the schema is a number that large.
func (s *schema) atLeast(parameter string, least int) bool {
	n, err := strconv.Atoi(s.Parameters[parameter])
	return err == nil && n >= least
}

// omittedColumn is a column for which the connector may send NULL where it is unchanged.
type omittedColumn struct {
	column int
	// unchanged says that its NULL is taken for an unchanged value.
	unchanged bool
}

// omittedColumnsOf returns those columns of a table's plan, but for the key's.
func (d *Decoder) omittedColumnsOf(p *readPlan, table change.Table) []omittedColumn {
	if p.omittedColumnsTable == table {
		return p.omittedColumns
	}
	p.omittedColumns, p.omittedColumnsTable = nil, table
	for i := range p.columns {
		c := &p.columns[i]
		unchanged := d.meansUnchanged != nil && d.meansUnchanged(table.String()+"."+c.Name, c.omitted)
		if c.omitted || unchanged {
			p.omittedColumns = append(p.omittedColumns, omittedColumn{i, unchanged})
		}
	}
	return p.omittedColumns
}

// findOmitted notes which values of an update's row are NULL though the source may
// have them unchanged: the row before the change, where the record has it, says
// nothing else. It returns the row, in which those that the options name are
// unavailable.
func (d *Decoder) findOmitted(in *decodeState, row change.Row) (change.Row, error) {
	for _, o := range d.omittedColumnsOf(in.plan, in.event.Source) {
		if cell, _ := d.rows.row[d.rows.offsets[o.column]:].Next(); cell.State != change.Null {
			continue
		}
		if d.envelope.before != nil {
			before, err := findMember(d.envelope.before, in.plan.columns[o.column].Name)
			if err != nil {
				return nil, err
			}
			if before != nil && string(before) != "null" {
				continue
			}
		}
		in.event.Omitted = append(in.event.Omitted, o.column)
		if o.unchanged {
			row, in.assumedUnchanged = withUnavailable(row, o.column), true
		}
	}
	return row, nil
}

// withUnavailable returns the row with an unavailable value in a column.
func withUnavailable(row change.Row, column int) change.Row {
	out := make(change.Row, 0, len(row))
	for i, cell := range row.Cells() {
		if i == column {
			cell = change.Cell{State: change.Unavailable}
		}
		out = change.AppendCell(out, cell)
	}
	return out
}
