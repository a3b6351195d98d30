package apply

import (
	"strconv"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/catalog"
)

// keyArrays are the keys of a chunk's changes as parameters of a statement, one array
// for each column of the key.
type keyArrays struct {
	params [][]byte
	// types are the arrays with their types, as arguments of unnest; names what
	// their elements are called.
	types, names string
	// where is the condition that a row c has the key e.
	where string
	// heads are the changes that the keys are of: the heads of the chains.
	heads []int
}

// keyArraysOf returns the keys of a chunk that has upserts, none of them with a NULL in
// it.
func keyArraysOf(t *catalog.Table, f *foldedChunk) keyArrays {
	k := keyArrays{heads: make([]int, 0, len(f.changes))}
	for i := range f.changes {
		if f.changes[i].head {
			k.heads = append(k.heads, i)
		}
	}
	for n, at := range f.chunk.shape.Key {
		column := f.chunk.shape.Columns[at]
		array := newBinaryArray(datatype.OID(column.Type), len(k.heads))
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
