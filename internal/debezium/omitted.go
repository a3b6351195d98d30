package debezium

import (
	"strconv"

	"metadb/internal/change"
)

// Debezium has no placeholder for unchanged TOAST of some types: it sends NULL.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-toasted-values

// longDigits is how many digits a numeric may have that is stored out of line.
const longDigits = 100

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
		return s.atLeast("length", 8*longDigits)
	case s.Name == "org.apache.kafka.connect.data.Decimal":
		return s.atLeast("connect.decimal.precision", longDigits)
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

// omit is a column for which the connector may send NULL where it is unchanged.
type omit struct {
	column int
	// unchanged says that its NULL is taken for an unchanged value.
	unchanged bool
}

// omitsOf returns those columns of a table's plan, but for the key's.
func (d *Decoder) omitsOf(p *plan, table change.Table) []omit {
	if p.omitsOf == table {
		return p.omits
	}
	p.omits, p.omitsOf = nil, table
	for i := range p.columns {
		c := &p.columns[i]
		unchanged := d.unchanged != nil && d.unchanged(table.String()+"."+c.Name, c.omitted)
		if c.omitted || unchanged {
			p.omits = append(p.omits, omit{i, unchanged})
		}
	}
	return p.omits
}

// findOmitted notes which values of an update's row are NULL though the source may
// have them unchanged: the row before the change, where the record has it, says
// nothing else. It returns the row, in which those that the options name are
// unavailable.
func (d *Decoder) findOmitted(in *reading, row change.Row) (change.Row, error) {
	for _, o := range d.omitsOf(in.plan, in.event.Source) {
		if cell, _ := d.rows.row[d.rows.offsets[o.column]:].Next(); cell.State != change.Null {
			continue
		}
		if d.envelope.before != nil {
			before, err := member(d.envelope.before, in.plan.columns[o.column].Name)
			if err != nil {
				return nil, err
			}
			if before != nil && string(before) != "null" {
				continue
			}
		}
		in.event.Omitted = append(in.event.Omitted, o.column)
		if o.unchanged {
			row, in.guessed = withUnavailable(row, o.column), true
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
