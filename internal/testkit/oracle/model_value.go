package oracle

import (
	"strconv"
	"strings"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// Value is a value as PostgreSQL prints it; the zero Value is NULL.
type Value struct {
	Text    string
	Present bool
}

// cellTextOf returns a cell's value. An invalid value becomes the text of its error, so
// that it equals no valid one.
func cellTextOf(t change.Type, cell change.Cell) Value {
	if cell.State != change.Present {
		return Value{}
	}
	text, err := datatype.Format(t, cell)
	if err != nil {
		return Value{Text: "invalid: " + err.Error(), Present: true}
	}
	return Value{Text: text, Present: true}
}

// rowCellsOf returns the cells of a row.
func rowCellsOf(row change.Row) []change.Cell {
	var cells []change.Cell
	for _, cell := range row.Cells() {
		cells = append(cells, cell)
	}
	return cells
}

// convertValue returns the value as another type prints it. Only floats are printed
// differently by the types that they widen to.
func convertValue(v Value, from, to change.Type) Value {
	if !v.Present || from == to {
		return v
	}
	bits := 64
	if from == change.Real {
		bits = 32
	}
	switch {
	case to == change.Double && from == change.Real:
		if f, err := strconv.ParseFloat(v.Text, bits); err == nil {
			v.Text = string(datatype.AppendDouble(nil, float64(float32(f))))
		}
	case to == change.Numeric && (from == change.Real || from == change.Double):
		// The digits are kept, exponents are not.
		if f, err := strconv.ParseFloat(v.Text, bits); err == nil && strings.ContainsRune(v.Text, 'e') {
			v.Text = strconv.FormatFloat(f, 'f', -1, bits)
		}
	}
	return v
}

// sameKeyValue reports whether two values of a key are equal. Numbers are equal
// for any scale: 1.0 is 1.00.
func sameKeyValue(a, b Value, t change.Type) bool {
	if t == change.Numeric {
		a.Text, b.Text = withoutScale(a.Text), withoutScale(b.Text)
	}
	return a == b
}

// withoutScale drops the zeros that a number's fraction ends with.
func withoutScale(number string) string {
	if !strings.ContainsRune(number, '.') {
		return number
	}
	return strings.TrimRight(strings.TrimRight(number, "0"), ".")
}
