package history

import (
	"strconv"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// keys are the keys of a chunk's items as parameters of a statement, one array
// for each column of the key.
type keys struct {
	params [][]byte
	// types are the arrays with their types, as arguments of unnest; names what
	// their elements are called.
	types, names string
	// where is the condition that a row c has the key e.
	where string
}

// keysOf returns the keys of items that are upserts of the chunk's shape, none of
// them with a NULL in it.
func keysOf(t *catalog.Table, f *folded) keys {
	var k keys
	for n, at := range f.chunk.shape.Key {
		column := f.chunk.shape.Columns[at]
		array := newArray(datatype.OID(column.Type), len(f.items))
		for i := range f.items {
			array = change.AppendCell(array, f.items[i].row.Cell(at))
		}
		k.params = append(k.params, array)
		name := "k" + strconv.Itoa(n)
		if n > 0 {
			k.types, k.names, k.where = k.types+", ", k.names+", ", k.where+" AND "
		}
		k.types += "$" + strconv.Itoa(len(k.params)) + "::" + column.Type.String() + "[]"
		k.names += name
		k.where += "c." + t.Columns[f.chunk.key[n]].Stored.SQL() + " = e." + name
	}
	return k
}
