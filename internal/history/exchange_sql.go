package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"metadb/internal/change"
)

// findCurrent finds what is current under the keys of the items. The descent, if
// there is one, gets its documents.
func (r *run) findCurrent(ctx context.Context, t *target, f *folded, x *exchange) error {
	k, items := keysOf(t.table, f), f.items
	params := append(slices.Clip(k.params), []byte(r.batch.Events[items[0].event].Origin))
	telling, nulled := tellingFields(f.chunk), r.nulledFields(t, f.chunk)
	columns, wanted := x.descent.wanted()
	documents := make([][]byte, len(columns))
	const meta = 4
	sql := "SELECT e.ord, c.__id, c.__start, c.ctid" + telling.list(t.table) + wanted + isLongWhere(t.table, nulled, len(params)+1) + " FROM unnest(" + k.types + ") WITH ORDINALITY AS e (" + k.names + ", ord) JOIN " +
		t.table.Current.SQL() + " AS c ON c.__origin = $" + strconv.Itoa(len(params)) + "::text AND " + k.where
	params = append(params, nulledArrays(r.batch.Events, f, k.items, nulled)...)
	err := r.read(ctx, sql, params, func(row [][]byte) {
		item, id := k.items[binary.BigEndian.Uint64(row[0])-1], int64(binary.BigEndian.Uint64(row[1]))
		x.gone[item] = matched{
			id: id, start: change.Micros(binary.BigEndian.Uint64(row[2])) + pgEpoch, place: readTID(row[3]),
			differs: items[item].upsert && telling.differ(items[item].row, row[meta:meta+len(telling)]),
		}
		long := row[len(row)-len(nulled):]
		r.warnNulled(t, nulled, &items[item], func(i int) bool { return long[i][0] != 0 })
		if x.descent == nil {
			return
		}
		for i, c := range columns {
			documents[i] = c.text(row[meta+len(telling)+i])
		}
		x.wait()
		if x.descent.took(item, id, documents) {
			x.gone[item].differs = true
		}
	})
	if err != nil {
		return fmt.Errorf("find current rows: %w", err)
	}
	return nil
}

// pairs are the arrays that say which row took the place of which: the ids and
// starts of the old ones, and the ids of the new ones.
func (x *exchange) pairs(wanted func(item int) bool) (params [][]byte, items []int) {
	for _, e := range x.d.endings {
		if wanted(e.item) {
			items = append(items, e.item)
		}
	}
	old, began, added := newArray(int8OID, len(items)), newArray(timestamptzOID, len(items)), newArray(int8OID, len(items))
	for _, i := range items {
		old, began, added = appendInt64(old, x.gone[i].id), appendMoment(began, x.gone[i].start), appendInt64(added, x.ids[x.numbers[i]])
	}
	return [][]byte{old, began, added}, items
}

// compareExchanged returns the items whose new row is the same as the one that
// it took the place of. Where a key has several events, or a delete, it is known
// already.
func (r *run) compareExchanged(ctx context.Context, t *target, f *folded, x *exchange) (map[int]bool, error) {
	params, items := x.pairs(func(item int) bool { return f.items[item].upsert && !x.gone[item].differs })
	same := make(map[int]bool)
	if len(items) == 0 {
		return same, nil
	}
	sql := "SELECT e.ord FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS e (old, began, new, ord)" +
		" JOIN " + t.table.History.SQL() + " AS h ON h.__id = e.old AND h.__start = e.began" +
		" JOIN " + t.table.Current.SQL() + " AS c ON c.__id = e.new WHERE " + sameStored(t.table, "h.", "c.")
	err := r.read(ctx, sql, params, func(row [][]byte) { same[items[binary.BigEndian.Uint64(row[0])-1]] = true })
	if err != nil {
		return nil, fmt.Errorf("compare rows: %w", err)
	}
	return same, nil
}

// putBack takes the new rows of items away that changed nothing, and puts the
// rows back that were there before them.
func (r *run) putBack(ctx context.Context, t *target, x *exchange) error {
	same := x.same
	if len(same) == 0 {
		return nil
	}
	params, _ := x.pairs(func(item int) bool { return same[item] })
	current := t.table.Current.SQL()
	taken := "DELETE FROM " + current + " AS c USING unnest($1::bigint[]) AS e (id) WHERE c.__id = e.id"
	if err := r.change(ctx, taken, params[2:], len(same)); err != nil {
		return fmt.Errorf("take back rows that changed nothing: %w", err)
	}
	back := "WITH back (id, began, origin" + stagedColumns(t.table, "") + ") AS (DELETE FROM " + t.table.History.SQL() +
		" AS h USING unnest($1::bigint[], $2::timestamptz[]) AS e (id, began) WHERE h.__id = e.id AND h.__start = e.began" +
		" RETURNING h.__id, h.__start, h.__origin" + storedColumns(t.table, "h.") + ")" +
		" INSERT INTO " + current + " (" + metaColumns() + storedColumns(t.table, "") + ") SELECT id, began, $3::timestamptz, true, origin" +
		stagedColumns(t.table, "") + " FROM back"
	if err := r.change(ctx, back, append(params[:2:2], appendMoment(nil, forever)[4:]), len(same)); err != nil {
		return fmt.Errorf("put back rows: %w", err)
	}
	return nil
}
