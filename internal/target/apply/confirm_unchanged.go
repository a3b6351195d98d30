package apply

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"metadb/internal/change"
)

// The strategy confirmUnchanged is for rows that exist already, as in a resynchronization. The
// current rows of the keys are read and compared with the events byte for byte, in the binary
// format that both have. This saves PostgreSQL from storing each row in a stage only to find it
// equal. Rows with different bytes are merged, because PostgreSQL may consider them equal; rows
// with equal bytes are always equal.

// suitsConfirmUnchanged reports whether the rows of a chunk can be confirmed without a merge:
// upserts of distinct keys without NULL, of one origin, in the stored types, with no unavailable
// values but the kept fields, in a table with a profile of mostly unchanged rows.
func (r *batchTx) suitsConfirmUnchanged(t *tableState, c *chunk, f *foldedChunk) bool {
	if f.precedesTruncate || r.retried != nil || !t.mostlyUnchanged || t.encodingDiffers || !t.table.UniqueKey || !c.unconverted || f.severalPerKey || c.shape == nil || len(f.nullPatterns) != 1 || !f.nullPatterns[0] {
		return false
	}
	origin := r.batch.Events[c.events[0]].Origin
	for i := range f.changes {
		it := &f.changes[i]
		if !it.upsert || it.mayHaveMoved || len(it.unavailable) != len(c.keptFields) || r.batch.Events[it.event].Origin != origin {
			return false
		}
	}
	return true
}

// confirmUnchanged confirms the changes that equal the current row, and returns the others.
func (r *batchTx) confirmUnchanged(ctx context.Context, t *tableState, f *foldedChunk) (*foldedChunk, error) {
	k := keyArraysOf(t.table, f)
	params := append(slices.Clip(k.params), []byte(r.batch.Events[f.changes[0].event].Origin))
	sql := "SELECT e.ord, c.__id" + chunkColumns(t, f.chunk) + " FROM unnest(" + k.types + ") WITH ORDINALITY AS e (" + k.names + ", ord) JOIN " +
		t.table.Current.SQL() + " AS c ON c.__origin = $" + strconv.Itoa(len(params)) + "::text AND " + k.where + absentColumnsNull(t, f.chunk)
	same, confirmed := make([]bool, len(f.changes)), make([]confirmedRow, 0, len(f.changes))
	err := r.queryBinary(ctx, sql, params, func(row [][]byte) {
		i := binary.BigEndian.Uint64(row[0]) - 1
		if same[i] = hasSameBytes(f.changes[i].row, row[2:]); !same[i] {
			return
		}
		id := int64(binary.BigEndian.Uint64(row[1]))
		if f.changes[i].confirm {
			confirmed = append(confirmed, confirmedRow{id, f.changes[i].event})
		}
		t.noteFound(&r.batch.Events[f.changes[i].event], id)
	})
	if err != nil {
		return nil, fmt.Errorf("recognize rows: %w", err)
	}
	rest := *f
	rest.changes = make([]rowChange, 0, len(f.changes)/exceptionRatio)
	for i := range f.changes {
		if !same[i] {
			rest.changes = append(rest.changes, f.changes[i])
		}
	}
	return &rest, r.writeConfirmed(ctx, t.table, confirmed)
}

// chunkColumns lists the columns of the chunk's fields, in their order.
func chunkColumns(t *tableState, c *chunk) string {
	list := ""
	for _, fd := range c.fields {
		list += ", c." + t.table.Columns[fd.column].Stored.SQL()
	}
	return list
}

// absentColumnsNull returns the condition that the columns that the chunk does not have are NULL.
func absentColumnsNull(t *tableState, c *chunk) string {
	brought := make(map[int]bool, len(c.fields))
	for _, fd := range c.fields {
		brought[fd.column] = true
	}
	condition := ""
	for i := range t.table.Columns {
		if !brought[i] {
			condition += " AND c." + t.table.Columns[i].Stored.SQL() + " IS NULL"
		}
	}
	return condition
}

// hasSameBytes reports whether the cells of a row have the given values, with nil for NULL. An
// unavailable cell equals any value.
func hasSameBytes(row change.Row, values [][]byte) bool {
	for _, value := range values {
		var cell change.Cell
		cell, row = row.Next()
		if cell.State != change.Unavailable && ((value == nil) != (cell.State == change.Null) || !bytes.Equal(value, cell.Bytes)) {
			return false
		}
	}
	return true
}
