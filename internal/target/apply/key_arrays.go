package apply

import (
	"strconv"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/catalog"
)

// keyArrays are the keys of a chunk's chains as parameters of a statement, one array for each key
// column.
type keyArrays struct {
	params [][]byte
	// types are the parameters with their types, as arguments of unnest. names are the names of the
	// elements.
	types, names string
	// where is the condition that a row c has the key e.
	where string
	// heads are the numbers of the heads of the chains, in the order of the keys.
	heads []int
}

// keyArraysOf returns the keys of a chunk with at least one upsert and no NULL in a key.
func keyArraysOf(t *catalog.Table, f *foldedChunk) keyArrays {
	k := keyArrays{heads: make([]int, 0, len(f.changes))}
	for i := range f.changes {
		if f.changes[i].head {
			k.heads = append(k.heads, i)
		}
	}
	for n, at := range f.chunk.shape.Key {
		column := f.chunk.shape.Columns[at]
		array := newBinaryArray(datatype.InfoOf(column.Type).OID, len(k.heads))
		for _, i := range k.heads {
			cell := at
			if !f.changes[i].upsert {
				cell = n // a delete has the key's cells alone
			}
			array = change.AppendCell(array, f.changes[i].row.Cell(cell))
		}
		k.params = append(k.params, array)
		name := "k" + strconv.Itoa(n)
		if n > 0 {
			k.types, k.names, k.where = k.types+", ", k.names+", ", k.where+" AND "
		}
		k.types += "$" + strconv.Itoa(len(k.params)) + "::" + column.Type.String() + "[]"
		k.names += name
		k.where += "c." + t.Columns[f.chunk.keyIndexes[n]].Stored.SQL() + " = e." + name
	}
	return k
}
