package jsonmap

import "slices"

// Rows are the rows of some documents, one list for each table of the set. The
// documents must not change as long as their rows are used.
type Rows struct {
	tables []tableRows
	// starts has the first row of each document in each table.
	starts []int32
	// positionsOnly means that the rows have no values, see [Rows.AddPositions].
	positionsOnly bool
	size          int
	// block has copies of values, differing is scratch: see [Rows.Keep].
	block     []byte
	differing []scalar
}

// tableRows are rows of one table.
type tableRows struct {
	// width is the number of positions of a row.
	width int
	// ends has the end of each row's scalars.
	ends      []int32
	positions []int32
	scalars   []scalar
}

// NewRows returns an empty list of rows for each of the set's tables.
func NewRows(set *MappingSet) *Rows {
	r := &Rows{tables: make([]tableRows, len(set.nodes))}
	for i := range r.tables {
		r.tables[i].width = len(set.nodes[i].positionNodes)
	}
	return r
}

// Reset removes all rows. It keeps their memory for the next documents, up to keptBytes in each
// table.
func (r *Rows) Reset() {
	r.starts, r.positionsOnly, r.size, r.block = r.starts[:0], false, 0, r.block[:0]
	for i := range r.tables {
		t := &r.tables[i]
		if cap(t.scalars)*scalarBytes > keptBytes || cap(t.positions)*ordBytes > keptBytes {
			*t = tableRows{width: t.width}
			continue
		}
		t.ends, t.positions, t.scalars = t.ends[:0], t.positions[:0], t.scalars[:0]
	}
}

// keptBytes bounds the memory that each list of one table keeps for the next documents.
const keptBytes = 8 << 20

// The sizes of the parts of rows, in bytes.
const (
	scalarBytes = 32
	ordBytes    = 4
)

// Size is an estimate of the rows' memory in bytes, without the documents.
func (r *Rows) Size() int { return r.size }

// beginDocument starts a document and returns its number.
func (r *Rows) beginDocument() int {
	document := len(r.starts) / max(len(r.tables), 1)
	for i := range r.tables {
		r.starts = append(r.starts, int32(len(r.tables[i].ends)))
	}
	return document
}

// AddPositions adds a document of which only the positions of its rows are known, and returns its
// number. The function each yields them by table and position, as [Rows.Positions] returns them.
func (r *Rows) AddPositions(each func(yield func(table int, ords []int32))) int {
	document := r.beginDocument()
	r.positionsOnly = true
	each(func(table int, ords []int32) { r.addRow(table, ords, nil) })
	return document
}

// RowRange returns the numbers of a document's first row in a table and of the one behind its last;
// both are 0 for document -1, which stands for no document.
func (r *Rows) RowRange(document, table int) (from, to int) {
	if document < 0 {
		return 0, 0
	}
	from, to = int(r.starts[document*len(r.tables)+table]), len(r.tables[table].ends)
	if next := (document+1)*len(r.tables) + table; next < len(r.starts) {
		to = int(r.starts[next])
	}
	return from, to
}

// Positions returns the positions of a row: for each node below $ on its path the 1-based position in
// the array, 0 for an object.
func (r *Rows) Positions(table, row int) []int32 {
	t := &r.tables[table]
	return t.positions[row*t.width : (row+1)*t.width]
}

// rowScalars returns the values of a row, ordered by column.
func (r *Rows) rowScalars(table, row int) []scalar {
	t := &r.tables[table]
	from := int32(0)
	if row > 0 {
		from = t.ends[row-1]
	}
	return t.scalars[from:t.ends[row]]
}

// addRow adds a row.
func (r *Rows) addRow(table int, ords []int32, scalars []scalar) {
	t := &r.tables[table]
	t.positions = append(t.positions, ords...)
	t.scalars = append(t.scalars, scalars...)
	t.ends = append(t.ends, int32(len(t.scalars)))
	r.size += len(scalars)*scalarBytes + (len(ords)+1)*ordBytes
}

// Change is a row that differs between two documents: Old and New are its numbers, -1 if a document
// lacks it.
type Change struct{ Table, Old, New int }

// Changes appends the rows in which two documents of one parent differ, by table and position. It
// leaves out rows with the same notation in both; PostgreSQL decides whether different notations
// are equal.
func Changes(dst []Change, older *Rows, o int, newer *Rows, n int) []Change {
	bare := older.positionsOnly || newer.positionsOnly
	return selectPairs(dst, older, o, newer, n, func(table, a, b int) bool {
		return bare || !hasSameScalars(older.rowScalars(table, a), newer.rowScalars(table, b))
	})
}

// AllPairs is Changes together with the rows that are equal in both.
func AllPairs(dst []Change, older *Rows, o int, newer *Rows, n int) []Change {
	return selectPairs(dst, older, o, newer, n, func(int, int, int) bool { return true })
}

// selectPairs appends the rows of two documents, by table and position: those of one document alone, and
// the wanted ones of both.
func selectPairs(dst []Change, older *Rows, o int, newer *Rows, n int, wanted func(table, a, b int) bool) []Change {
	for table := range older.tables {
		a, aEnd := older.RowRange(o, table)
		b, bEnd := newer.RowRange(n, table)
		for a < aEnd || b < bEnd {
			order := 0
			switch {
			case a == aEnd:
				order = 1
			case b == bEnd:
				order = -1
			default:
				order = slices.Compare(older.Positions(table, a), newer.Positions(table, b))
			}
			switch {
			case order < 0:
				dst = append(dst, Change{Table: table, Old: a, New: none})
				a++
			case order > 0:
				dst = append(dst, Change{Table: table, Old: none, New: b})
				b++
			default:
				if wanted(table, a, b) {
					dst = append(dst, Change{Table: table, Old: a, New: b})
				}
				a++
				b++
			}
		}
	}
	return dst
}

func hasSameScalars(a, b []scalar) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].isWrittenAlike(&b[i]) {
			return false
		}
	}
	return true
}
