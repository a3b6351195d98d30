package apply

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// keyArrays are the keys of a chunk's chains as parameters of a statement, one array for each key
// column.
type keyArrays struct {
	params [][]byte
	sql    sqlgen.KeyList
	// heads are the numbers of the heads of the chains, in the order of the keys.
	heads []int
}

// keyArraysOf returns the keys of a chunk with at least one upsert, of one origin and without NULL in a
// key. The origin is the last parameter.
func keyArraysOf(t *catalog.Table, f *history.FoldedChunk, origin change.Origin) keyArrays {
	k := keyArrays{heads: make([]int, 0, len(f.Changes)), sql: sqlgen.NewKeyList(t, f.Chunk.KeyIndexes, f.Chunk.KeyColumns)}
	for i := range f.Changes {
		if f.Changes[i].Head {
			k.heads = append(k.heads, i)
		}
	}
	for n, at := range f.Chunk.Shape.Key {
		column := f.Chunk.Shape.Columns[at]
		array := pgbinary.NewArray(datatype.InfoOf(column.Type).OID, len(k.heads))
		for _, i := range k.heads {
			cell := at
			if !f.Changes[i].Upsert {
				cell = n // a delete has the key's cells alone
			}
			array = change.AppendCell(array, f.Changes[i].Row.Cell(cell))
		}
		k.params = append(k.params, array)
	}
	k.params = append(k.params, []byte(origin))
	return k
}
