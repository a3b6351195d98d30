package apply

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
	"metadb/internal/transform/jsonmap"
)

// documentColumn is a column that transformed rows are made of: it has mapped documents, or it
// belongs to the key.
type documentColumn struct {
	// column is the column's index in the table. It is -1 if the table does not have the column, or
	// if its type holds no JSON.
	column int
	kind   change.Type
	// key is true for a key column, which has no documents.
	key bool
}

// documentColumns returns the mapped columns of a table, followed by the key columns with several
// stored forms of equal values, such as 1.0 and 1.00: transformed rows have the form of their
// parent's version.
func documentColumns(t *catalog.Table, set *jsonmap.MappingSet) []documentColumn {
	columns := make([]documentColumn, len(set.Columns))
	for i, name := range set.Columns {
		at := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return string(c.Stored) == name })
		columns[i] = documentColumn{column: at}
		if at >= 0 {
			columns[i].kind = t.Columns[at].Type
		}
		if !datatype.InfoOf(columns[i].kind).HoldsDocuments() {
			columns[i].column = history.None
		}
	}
	for _, at := range t.Key {
		if kind := t.Columns[at].Type; datatype.InfoOf(kind).Equality == datatype.EqualValues {
			columns = append(columns, documentColumn{column: at, kind: kind, key: true})
		}
	}
	return columns
}

// documentText returns the JSON text of a stored value, or nil if it is not JSON. For a key column
// it returns the bytes of the value.
func (c documentColumn) documentText(value []byte) []byte {
	switch {
	case len(value) == 0:
		return nil
	case c.key:
		return value
	case c.kind == change.JSONB:
		return value[1:]
	}
	return jsonmap.ValidJSON(value)
}

// newDocuments are the documents of the versions that a chunk has written.
type newDocuments struct {
	columns []documentColumn
	// fields are the indexes of the columns' fields in the rows of the chunk, -1 for columns that
	// the chunk does not have. fetched has the documents that were read from the database, by
	// version id.
	fields  []int
	folded  *history.FoldedChunk
	fetched map[int64][][]byte
	// converted is true if values are stored in another type than they have in the events.
	converted bool
}

// chunkDocuments returns the documents of new versions from the rows of a chunk.
func chunkDocuments(f *history.FoldedChunk, columns []documentColumn) *newDocuments {
	n := &newDocuments{columns: columns, folded: f, fields: make([]int, len(columns))}
	for i, c := range columns {
		n.fields[i] = history.None
		for at, fd := range f.Chunk.Fields {
			if c.column != history.None && fd.Column == c.column {
				n.fields[i] = at
				n.converted = n.converted || len(fd.TypePath) > 1
			}
		}
	}
	return n
}

// readNewDocuments returns the documents of new versions: those in the rows of the chunk, and from
// the database those that were unavailable or converted.
func (r *batchTx) readNewDocuments(ctx context.Context, t *tableState, f *history.FoldedChunk, columns []documentColumn, effects []history.RowEffect) (*newDocuments, error) {
	n := chunkDocuments(f, columns)
	var ids []int64
	for i := range effects {
		for _, b := range effects[i].Written {
			if n.converted || n.hasUnavailable(b.Change) {
				ids = append(ids, b.ID)
			}
		}
	}
	var err error
	n.fetched, err = r.fetchDocuments(ctx, t.table.Main, t.table, columns, ids)
	return n, err
}

// hasUnavailable reports whether a document of a change was unavailable.
func (n *newDocuments) hasUnavailable(item int) bool {
	unavailable := n.folded.Changes[item].Unavailable
	return unavailable != nil && slices.ContainsFunc(n.fields, func(at int) bool { return slices.Contains(unavailable, at) })
}

// documentsOf appends the documents of a new version, one for each column.
func (n *newDocuments) documentsOf(dst [][]byte, b history.WrittenVersion) [][]byte {
	return n.valuesFrom(dst, b, 0)
}

// valuesFrom appends the values of a new version in the columns from index first on.
func (n *newDocuments) valuesFrom(dst [][]byte, b history.WrittenVersion, first int) [][]byte {
	if documents, found := n.fetched[b.ID]; found {
		return append(dst, documents[first:]...)
	}
	for i := first; i < len(n.fields); i++ {
		var text []byte
		if at := n.fields[i]; at != history.None {
			if cell := n.folded.Changes[b.Change].Row.Cell(at); cell.State == change.Present {
				text = n.columns[i].documentText(cell.Bytes)
			}
		}
		dst = append(dst, text)
	}
	return dst
}

// documentTexts returns copies of the documents in the values of columns.
func documentTexts(columns []documentColumn, values [][]byte) [][]byte {
	documents := make([][]byte, len(columns))
	for i, c := range columns {
		documents[i] = c.documentText(bytes.Clone(values[i]))
	}
	return documents
}

// endedDocumentColumns returns the columns with the documents that an update needs of ended
// versions, and their list in a table c, each after a comma. Without an update both are empty.
func (d *transformedUpdate) endedDocumentColumns() (columns []documentColumn, list string) {
	if d == nil {
		return nil, ""
	}
	columns = documentColumns(d.parent.table, d.set)
	return columns, listDocuments(columns, storedColumnNamer(d.parent.table, "c."))
}

// listDocuments lists columns under the names that the function name returns, each after a comma. A
// column that the table does not have is NULL.
func listDocuments(columns []documentColumn, name func(column int) string) string {
	var list strings.Builder
	for _, c := range columns {
		if c.column == history.None {
			list.WriteString(", NULL::text")
		} else {
			list.WriteString(", " + name(c.column))
		}
	}
	return list.String()
}

// storedColumnNamer returns a function that names the columns of a table under an alias.
func storedColumnNamer(t *catalog.Table, alias string) func(column int) string {
	return func(column int) string { return alias + t.Columns[column].Stored.SQL() }
}

// fetchDocuments returns the documents of versions by their ids.
func (r *batchTx) fetchDocuments(ctx context.Context, from ident.Qualified, t *catalog.Table, columns []documentColumn, ids []int64) (map[int64][][]byte, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found := make(map[int64][][]byte, len(ids))
	err := pgbinary.Query(ctx, r.tx, "SELECT p.__id"+listDocuments(columns, storedColumnNamer(t, "p."))+" FROM unnest($1::bigint[]) AS e (id) "+joinByID(from),
		[][]byte{pgbinary.Int8Array(ids)}, func(row [][]byte) {
			found[int64(binary.BigEndian.Uint64(row[0]))] = documentTexts(columns, row[1:])
		})
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return found, nil
}

// joinByID returns a join with the version p of a table that has the id of e. PostgreSQL can't
// estimate the number of ids; OFFSET prevents it from scanning the whole table.
func joinByID(from ident.Qualified) string {
	return "CROSS JOIN LATERAL (SELECT p.* FROM " + from.SQL() + " AS p WHERE p.__id = e.id OFFSET 0) AS p"
}

// readEndedDocuments returns the documents of the versions that a chunk has ended, by their ids,
// for effects that ended exactly one version. These versions are in history already.
func (r *batchTx) readEndedDocuments(ctx context.Context, t *tableState, columns []documentColumn, effects []history.RowEffect) (map[int64][][]byte, error) {
	var ids []int64
	first, last := history.MaxTime, history.MinTime
	for i := range effects {
		if len(effects[i].EndedIDs) == 1 {
			ids = append(ids, effects[i].EndedIDs[0])
			first, last = min(first, effects[i].Start), max(last, effects[i].Start)
		}
	}
	from := t.table.History
	if len(ids) > 0 && history.YearOf(first) == history.YearOf(last) && t.table.OwnsYear(history.YearOf(first)) {
		from = t.table.Year(history.YearOf(first))
	}
	return r.fetchDocuments(ctx, from, t.table, columns, ids)
}
