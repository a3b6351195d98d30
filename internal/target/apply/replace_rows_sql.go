package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// findReplaced finds the current rows of the changes' keys. Their documents are added to the early
// update of the transformed tables, if there is one.
func (r *batchTx) findReplaced(ctx context.Context, t *tableState, f *history.FoldedChunk, x *chunkReplacement) error {
	items := f.Changes
	k := keyArraysOf(t.table, f, r.batch.Events[items[0].Event].Origin)
	telling, nulled := history.FindQuickCompare(f.Chunk), r.nulledFields(t, f.Chunk)
	columns, wanted := x.update.endedDocumentColumns()
	documents := make([][]byte, len(columns))
	const meta = 4
	sql := k.sql.ReplacedRows(t.table, sqlgen.QuickCompareList(t.table, telling)+wanted+sqlgen.LongValueColumns(t.table, columnsOf(nulled), k.sql.Parameters+1))
	params := slices.Concat(k.params, nulledArrays(r.batch.Events, f, k.heads, nulled))
	err := pgbinary.Query(ctx, r.tx, sql, params, func(row [][]byte) {
		item, id := k.heads[binary.BigEndian.Uint64(row[0])-1], int64(binary.BigEndian.Uint64(row[1]))
		x.rows.OldRows[item] = history.CurrentRow{
			ID: id, Start: pgbinary.ReadTimestamptz(row[2]), CTID: readCtid(row[3]),
			CertainlyDiffers: items[item].Upsert && telling.DiffersFrom(items[item].Row, row[meta:meta+len(telling)]),
		}
		long := row[len(row)-len(nulled):]
		r.warnNulled(t, nulled, &items[item], func(i int) bool { return long[i][0] != 0 })
		if x.update == nil {
			return
		}
		for i, c := range columns {
			documents[i] = c.documentText(row[meta+len(telling)+i])
		}
		x.waitBackground()
		if x.update.compareOldRow(item, id, documents) {
			x.rows.OldRows[item].CertainlyDiffers = true
		}
	})
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	return nil
}

// pairArrays returns the parameters that pair old and new rows, for the ended heads that are
// wanted: the ids and starts of the old rows, and the ids of the new ones. items are the changes,
// in the same order.
func (x *chunkReplacement) pairArrays(wanted func(item int) bool) (params [][]byte, items []int) {
	for _, e := range x.rows.Decision.Ended {
		if wanted(e.Head) {
			items = append(items, e.Head)
		}
	}
	old, began, added := pgbinary.NewArray(pgbinary.Int8OID, len(items)), pgbinary.NewArray(pgbinary.TimestamptzOID, len(items)), pgbinary.NewArray(pgbinary.Int8OID, len(items))
	for _, i := range items {
		old, began, added = pgbinary.AppendInt64(old, x.rows.OldRows[i].ID), pgbinary.AppendTimestamptz(began, x.rows.OldRows[i].Start), pgbinary.AppendInt64(added, x.rows.IDs[x.rows.VersionNumbers[i]])
	}
	return [][]byte{old, began, added}, items
}

// compareReplaced returns the changes that replaced a row with the same values. Changes are left
// out where the comparison was decided before, as for keys with a delete.
func (r *batchTx) compareReplaced(ctx context.Context, t *tableState, f *history.FoldedChunk, x *chunkReplacement) (map[int]bool, error) {
	params, items := x.pairArrays(func(item int) bool { return f.Changes[item].Upsert && !x.rows.OldRows[item].CertainlyDiffers })
	same := make(map[int]bool)
	if len(items) == 0 {
		return same, nil
	}
	err := pgbinary.Query(ctx, r.tx, sqlgen.EqualReplacements(t.table), params, func(row [][]byte) { same[items[binary.BigEndian.Uint64(row[0])-1]] = true })
	if err != nil {
		return nil, fmt.Errorf("compare rows: %w", err)
	}
	return same, nil
}

// restoreUnchanged deletes the new rows of changes that changed nothing, and moves the old rows
// back from history.
func (r *batchTx) restoreUnchanged(ctx context.Context, t *tableState, x *chunkReplacement) error {
	same := x.rows.Unchanged
	if len(same) == 0 {
		return nil
	}
	params, _ := x.pairArrays(func(item int) bool { return same[item] })
	if err := pgbinary.Exec(ctx, r.tx, sqlgen.DeleteReplacements(t.table), params[2:], len(same)); err != nil {
		return fmt.Errorf("take back rows that changed nothing: %w", err)
	}
	if err := pgbinary.Exec(ctx, r.tx, sqlgen.RestoreReplaced(t.table), append(params[:2:2], pgbinary.TimestamptzBytes(history.MaxTime)), len(same)); err != nil {
		return fmt.Errorf("put back rows: %w", err)
	}
	return nil
}
