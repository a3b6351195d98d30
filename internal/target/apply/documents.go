package apply

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/transform/jsonmap"
)

// documentColumn is a column of a table that transformed rows are made of: its
// documents are mapped, or it belongs to the key.
type documentColumn struct {
	// column is its index in the table, none if the table does not have it.
	column int
	kind   change.Type
	// key says that the column has no documents, but values of the key.
	key bool
}

// documentColumns finds the columns of a set in its table. Behind them come those
// of the key whose equal values can be stored in several forms, such as 1.0 and 1.00:
// transformed rows have the form of their parent's version.
func documentColumns(t *catalog.Table, set *jsonmap.MappingSet) []documentColumn {
	columns := make([]documentColumn, len(set.Columns))
	for i, name := range set.Columns {
		at := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return string(c.Stored) == name })
		columns[i] = documentColumn{column: at}
		if at >= 0 {
			columns[i].kind = t.Columns[at].Type
		}
		if columns[i].kind != change.JSONB && columns[i].kind != change.Text {
			columns[i].column = none
		}
	}
	for _, at := range t.Key {
		if kind := t.Columns[at].Type; !isEqualIdentical(kind) {
			columns = append(columns, documentColumn{column: at, kind: kind, key: true})
		}
	}
	return columns
}

// documentText returns the JSON text of a stored value, nil if it is none. Of a value of the
// key it returns the bytes.
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
	// fields are the columns' fields in the rows of the chunk, none for those
	// that it does not bring.
	fields  []int
	folded  *foldedChunk
	fetched map[int64][][]byte
	// converted says that values are stored in another form than they come in.
	converted bool
}

// chunkDocuments returns the documents of new versions as the rows of a chunk have
// them.
func chunkDocuments(f *foldedChunk, columns []documentColumn) *newDocuments {
	n := &newDocuments{columns: columns, folded: f, fields: make([]int, len(columns))}
	for i, c := range columns {
		n.fields[i] = none
		for at, fd := range f.chunk.fields {
			if c.column != none && fd.column == c.column {
				n.fields[i] = at
				n.converted = n.converted || len(fd.typePath) > 1
			}
		}
	}
	return n
}

// readNewDocuments prepares the documents of new versions. They are in the rows of the
// chunk, but for values that had to be found or converted in the database.
func (r *batchTx) readNewDocuments(ctx context.Context, t *tableState, f *foldedChunk, columns []documentColumn, effects []rowEffect) (*newDocuments, error) {
	n := chunkDocuments(f, columns)
	var ids []int64
	for i := range effects {
		for _, b := range effects[i].written {
			if n.converted || n.hasUnavailable(b.change) {
				ids = append(ids, b.id)
			}
		}
	}
	var err error
	n.fetched, err = r.fetchDocuments(ctx, t.table.Main, t.table, columns, ids)
	return n, err
}

// hasUnavailable reports whether a document of a change was unavailable.
func (n *newDocuments) hasUnavailable(item int) bool {
	unavailable := n.folded.changes[item].unavailable
	return unavailable != nil && slices.ContainsFunc(n.fields, func(at int) bool { return slices.Contains(unavailable, at) })
}

// documentsOf returns the documents of a new version, one for each column.
func (n *newDocuments) documentsOf(dst [][]byte, b writtenVersion) [][]byte {
	return n.valuesFrom(dst, b, 0)
}

// valuesFrom returns what a new version has in the columns from one on.
func (n *newDocuments) valuesFrom(dst [][]byte, b writtenVersion, first int) [][]byte {
	if documents, found := n.fetched[b.id]; found {
		return append(dst, documents[first:]...)
	}
	for i := first; i < len(n.fields); i++ {
		var text []byte
		if at := n.fields[i]; at != none {
			if cell := n.folded.changes[b.change].row.Cell(at); cell.State == change.Present {
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

// endedDocumentColumns returns the columns whose documents an update needs of the versions that
// end, and the list of them in a table c, each after a comma; none where there is no
// update.
func (d *transformedUpdate) endedDocumentColumns() (columns []documentColumn, list string) {
	if d == nil {
		return nil, ""
	}
	columns = documentColumns(d.parent.table, d.set)
	return columns, listDocuments(columns, storedColumnNamer(d.parent.table, "c."))
}

// listDocuments lists columns, each after a comma, by what a statement calls them; what
// the table does not have is NULL.
func listDocuments(columns []documentColumn, name func(column int) string) string {
	var list strings.Builder
	for _, c := range columns {
		if c.column == none {
			list.WriteString(", NULL::text")
		} else {
			list.WriteString(", " + name(c.column))
		}
	}
	return list.String()
}

// storedColumnNamer names the columns of a table that a statement has under an alias.
func storedColumnNamer(t *catalog.Table, alias string) func(column int) string {
	return func(column int) string { return alias + t.Columns[column].Stored.SQL() }
}

// fetchDocuments returns the documents of versions by their ids.
func (r *batchTx) fetchDocuments(ctx context.Context, from ident.Qualified, t *catalog.Table, columns []documentColumn, ids []int64) (map[int64][][]byte, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found := make(map[int64][][]byte, len(ids))
	err := r.queryBinary(ctx, "SELECT p.__id"+listDocuments(columns, storedColumnNamer(t, "p."))+" FROM unnest($1::bigint[]) AS e (id) "+joinByID(from),
		[][]byte{int8Array(ids)}, func(row [][]byte) {
			found[int64(binary.BigEndian.Uint64(row[0]))] = documentTexts(columns, row[1:])
		})
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return found, nil
}

// joinByID joins the version p of a table that has the id of e. OFFSET keeps
// PostgreSQL, which does not know how many ids there are, from going through the
// whole table.
func joinByID(from ident.Qualified) string {
	return "CROSS JOIN LATERAL (SELECT p.* FROM " + from.SQL() + " AS p WHERE p.__id = e.id OFFSET 0) AS p"
}

func int8Array(values []int64) []byte {
	array := newBinaryArray(int8OID, len(values))
	for _, value := range values {
		array = appendInt64(array, value)
	}
	return array
}

// readEndedDocuments returns the documents of the versions that a chunk has ended, by
// their ids. They are in history by now.
func (r *batchTx) readEndedDocuments(ctx context.Context, t *tableState, columns []documentColumn, effects []rowEffect) (map[int64][][]byte, error) {
	var ids []int64
	first, last := maxTime, minTime
	for i := range effects {
		if len(effects[i].endedIDs) == 1 {
			ids = append(ids, effects[i].endedIDs[0])
			first, last = min(first, effects[i].start), max(last, effects[i].start)
		}
	}
	from := t.table.History
	if len(ids) > 0 && yearOf(first) == yearOf(last) && t.table.OwnsYear(yearOf(first)) {
		from = t.table.Year(yearOf(first))
	}
	return r.fetchDocuments(ctx, from, t.table, columns, ids)
}
