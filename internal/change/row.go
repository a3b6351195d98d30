package change

import (
	"encoding/binary"
	"iter"
)

// A Row is a sequence of cells, one for each column of its [Shape]. A cell is
// a four-byte big-endian length followed by that many bytes in PostgreSQL's
// binary format of the column's type: exactly the layout of a field in a
// binary COPY, so that a row is copied from the decoder to the database
// unchanged.
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
//
// Two lengths mark cells without bytes: -1 is NULL, as in COPY, and -2 is an
// unavailable value (unchanged TOAST), which must be resolved before the row
// is sent to the database.
type Row []byte

// Lengths that mark a cell without bytes.
const (
	lengthNull        = -1
	lengthUnavailable = -2
)

// A Cell is one value of a row. Bytes is empty unless the value is present.
// Bytes aliases the row.
type Cell struct {
	Bytes []byte
	State CellState
}

// CellState says whether a cell has a value.
type CellState uint8

// The states of a cell.
const (
	Present CellState = iota
	Null
	Unavailable
)

// AppendNull appends a NULL cell to row.
func AppendNull(row Row) Row { return append(row, 0xff, 0xff, 0xff, 0xff) }

// AppendUnavailable appends the cell of an unavailable value to row.
func AppendUnavailable(row Row) Row { return append(row, 0xff, 0xff, 0xff, 0xfe) }

// AppendValue appends a cell that holds value, in PostgreSQL's binary format.
func AppendValue(row Row, value []byte) Row {
	row = binary.BigEndian.AppendUint32(row, uint32(len(value)))
	return append(row, value...)
}

// AppendCell appends a copy of cell to row.
func AppendCell(row Row, cell Cell) Row {
	switch cell.State {
	case Null:
		return AppendNull(row)
	case Unavailable:
		return AppendUnavailable(row)
	case Present:
	}
	return AppendValue(row, cell.Bytes)
}

// BeginCell opens a cell of unknown length. The caller appends the value's bytes to
// the returned row and closes the cell with [EndCell].
func BeginCell(row Row) (open Row, mark int) {
	return append(row, 0, 0, 0, 0), len(row)
}

// EndCell closes the cell that [BeginCell] opened at mark.
func EndCell(row Row, mark int) Row {
	binary.BigEndian.PutUint32(row[mark:], uint32(len(row)-mark-4))
	return row
}

// Next splits row into its first cell and the rest. It must not be called with
// an empty row.
func (r Row) Next() (Cell, Row) {
	switch n := int32(binary.BigEndian.Uint32(r)); n {
	case lengthNull:
		return Cell{State: Null}, r[4:]
	case lengthUnavailable:
		return Cell{State: Unavailable}, r[4:]
	default:
		return Cell{Bytes: r[4 : 4+n]}, r[4+n:]
	}
}

// Cells yields the cells of the row with their indexes.
func (r Row) Cells() iter.Seq2[int, Cell] {
	return func(yield func(int, Cell) bool) {
		rest := r
		for i := 0; len(rest) > 0; i++ {
			var cell Cell
			cell, rest = rest.Next()
			if !yield(i, cell) {
				return
			}
		}
	}
}

// Cell returns the cell at index i, by walking there. It returns NULL when the
// row has fewer cells.
func (r Row) Cell(i int) Cell {
	for at, cell := range r.Cells() {
		if at == i {
			return cell
		}
	}
	return Cell{State: Null}
}

// BeginsUnavailable reports whether the first cell is unavailable.
func (r Row) BeginsUnavailable() bool {
	return int32(binary.BigEndian.Uint32(r)) == lengthUnavailable
}

// HasUnavailable reports whether any cell is unavailable. It reads lengths only.
func (r Row) HasUnavailable() bool {
	for len(r) > 0 {
		n := int32(binary.BigEndian.Uint32(r))
		if n == lengthUnavailable {
			return true
		}
		r = r[4+max(n, 0):]
	}
	return false
}
