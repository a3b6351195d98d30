package apply

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// The strategy confirmUnchanged is for rows that exist already, as in a resynchronization. The
// current rows of the keys are read and compared with the events byte for byte, in the binary
// format that both have. This saves PostgreSQL from storing each row in a stage only to find it
// equal. Rows with different bytes are merged, because PostgreSQL may consider them equal; rows
// with equal bytes are always equal.

// suitsConfirmUnchanged reports whether the rows of a chunk can be confirmed without a merge:
// upserts of distinct keys without NULL, of one origin, in the stored types, with no unavailable
// values but the kept fields, in a table with a profile of mostly unchanged rows.
func (r *batchTx) suitsConfirmUnchanged(t *tableState, c *history.Chunk, f *history.FoldedChunk) bool {
	if f.PrecedesTruncate || r.retried != nil || !t.mostlyUnchanged || t.encodingDiffers || !t.table.UniqueKey || !c.Unconverted || f.SeveralPerKey || c.Shape == nil || len(f.NullPatterns) != 1 || !f.NullPatterns[0] {
		return false
	}
	origin := r.batch.Events[c.Events[0]].Origin
	for i := range f.Changes {
		it := &f.Changes[i]
		if !it.Upsert || it.MayHaveMoved || len(it.Unavailable) != len(c.KeptFields) || r.batch.Events[it.Event].Origin != origin {
			return false
		}
	}
	return true
}

// confirmUnchanged confirms the changes that equal the current row, and returns the others.
func (r *batchTx) confirmUnchanged(ctx context.Context, t *tableState, f *history.FoldedChunk) (*history.FoldedChunk, error) {
	k := keyArraysOf(t.table, f, r.batch.Events[f.Changes[0].Event].Origin)
	same, confirmed := make([]bool, len(f.Changes)), make([]history.ConfirmedRow, 0, len(f.Changes))
	err := pgbinary.Query(ctx, r.tx, k.sql.RowValues(t.table, f.Chunk.Fields), k.params, func(row [][]byte) {
		i := binary.BigEndian.Uint64(row[0]) - 1
		if same[i] = hasSameBytes(f.Changes[i].Row, row[2:]); !same[i] {
			return
		}
		id := int64(binary.BigEndian.Uint64(row[1]))
		if f.Changes[i].Confirm {
			confirmed = append(confirmed, history.ConfirmedRow{ID: id, Event: f.Changes[i].Event})
		}
		t.positions.NoteFound(&r.batch.Events[f.Changes[i].Event], id)
	})
	if err != nil {
		return nil, fmt.Errorf("recognize rows: %w", err)
	}
	rest := *f
	rest.Changes = make([]history.RowChange, 0, len(f.Changes)/exceptionRatio)
	for i := range f.Changes {
		if !same[i] {
			rest.Changes = append(rest.Changes, f.Changes[i])
		}
	}
	return &rest, r.writeConfirmed(ctx, t.table, confirmed)
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
