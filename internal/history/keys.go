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
	// items are the items that the keys are of: the heads of the chains.
	items []int
}

// keysOf returns the keys of a chunk that has upserts, none of them with a NULL in
// it.
func keysOf(t *catalog.Table, f *folded) keys {
	k := keys{items: make([]int, 0, len(f.items))}
	for i := range f.items {
		if f.items[i].head {
			k.items = append(k.items, i)
		}
	}
	for n, at := range f.chunk.shape.Key {
		column := f.chunk.shape.Columns[at]
		array := newArray(datatype.OID(column.Type), len(k.items))
		for _, i := range k.items {
			cell := at
			if !f.items[i].upsert {
				cell = n // a delete has the key's cells alone
			}
			array = change.AppendCell(array, f.items[i].row.Cell(cell))
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
