package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"metadb/internal/change"
)

// findReplaced finds the current rows of the changes' keys. Their documents are added to the early
// update of the transformed tables, if there is one.
func (r *batchTx) findReplaced(ctx context.Context, t *tableState, f *foldedChunk, x *chunkReplacement) error {
	k, items := keyArraysOf(t.table, f), f.changes
	params := append(slices.Clip(k.params), []byte(r.batch.Events[items[0].event].Origin))
	telling, nulled := findQuickCompare(f.chunk), r.nulledFields(t, f.chunk)
	columns, wanted := x.update.endedDocumentColumns()
	documents := make([][]byte, len(columns))
	const meta = 4
	sql := "SELECT e.ord, c.__id, c.__start, c.ctid" + telling.columnList(t.table) + wanted + longValueColumns(t.table, nulled, len(params)+1) + " FROM unnest(" + k.types + ") WITH ORDINALITY AS e (" + k.names + ", ord) JOIN " +
		t.table.Current.SQL() + " AS c ON c.__origin = $" + strconv.Itoa(len(params)) + "::text AND " + k.where
	params = append(params, nulledArrays(r.batch.Events, f, k.heads, nulled)...)
	err := r.queryBinary(ctx, sql, params, func(row [][]byte) {
		item, id := k.heads[binary.BigEndian.Uint64(row[0])-1], int64(binary.BigEndian.Uint64(row[1]))
		x.oldRows[item] = currentRow{
			id: id, start: change.Micros(binary.BigEndian.Uint64(row[2])) + pgEpoch, ctid: readCtid(row[3]),
			certainlyDiffers: items[item].upsert && telling.differsFrom(items[item].row, row[meta:meta+len(telling)]),
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
			x.oldRows[item].certainlyDiffers = true
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
	for _, e := range x.decision.ended {
		if wanted(e.head) {
			items = append(items, e.head)
		}
	}
	old, began, added := newBinaryArray(int8OID, len(items)), newBinaryArray(timestamptzOID, len(items)), newBinaryArray(int8OID, len(items))
	for _, i := range items {
		old, began, added = appendInt64(old, x.oldRows[i].id), appendTimestamptz(began, x.oldRows[i].start), appendInt64(added, x.ids[x.versionNumbers[i]])
	}
	return [][]byte{old, began, added}, items
}

// compareReplaced returns the changes that replaced a row with the same values. Changes are left
// out where the comparison was decided before, as for keys with a delete.
func (r *batchTx) compareReplaced(ctx context.Context, t *tableState, f *foldedChunk, x *chunkReplacement) (map[int]bool, error) {
	params, items := x.pairArrays(func(item int) bool { return f.changes[item].upsert && !x.oldRows[item].certainlyDiffers })
	same := make(map[int]bool)
	if len(items) == 0 {
		return same, nil
	}
	sql := "SELECT e.ord FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS e (old, began, new, ord)" +
		" JOIN " + t.table.History.SQL() + " AS h ON h.__id = e.old AND h.__start = e.began" +
		" JOIN " + t.table.Current.SQL() + " AS c ON c.__id = e.new WHERE " + sameStoredSQL(t.table, "h.", "c.")
	err := r.queryBinary(ctx, sql, params, func(row [][]byte) { same[items[binary.BigEndian.Uint64(row[0])-1]] = true })
	if err != nil {
		return nil, fmt.Errorf("compare rows: %w", err)
	}
	return same, nil
}

// restoreUnchanged deletes the new rows of changes that changed nothing, and moves the old rows
// back from history.
func (r *batchTx) restoreUnchanged(ctx context.Context, t *tableState, x *chunkReplacement) error {
	same := x.unchanged
	if len(same) == 0 {
		return nil
	}
	params, _ := x.pairArrays(func(item int) bool { return same[item] })
	current := t.table.Current.SQL()
	taken := "DELETE FROM " + current + " AS c USING unnest($1::bigint[]) AS e (id) WHERE c.__id = e.id"
	if err := r.execBinary(ctx, taken, params[2:], len(same)); err != nil {
		return fmt.Errorf("take back rows that changed nothing: %w", err)
	}
	back := "WITH back (id, began, origin" + stagedColumns(t.table, "") + ") AS (DELETE FROM " + t.table.History.SQL() +
		" AS h USING unnest($1::bigint[], $2::timestamptz[]) AS e (id, began) WHERE h.__id = e.id AND h.__start = e.began" +
		" RETURNING h.__id, h.__start, h.__origin" + storedColumns(t.table, "h.") + ")" +
		" INSERT INTO " + current + " (" + metaColumns() + storedColumns(t.table, "") + ") SELECT id, began, $3::timestamptz, true, origin" +
		stagedColumns(t.table, "") + " FROM back"
	if err := r.execBinary(ctx, back, append(params[:2:2], appendTimestamptz(nil, maxTime)[4:]), len(same)); err != nil {
		return fmt.Errorf("put back rows: %w", err)
	}
	return nil
}
