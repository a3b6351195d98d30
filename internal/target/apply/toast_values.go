package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"metadb/internal/target/catalog"
)

// loadUnavailable fills in the unavailable values in the stage: from the key's current row or,
// after a change of key, from the last version under the old key. Without such a row they stay
// NULL. That is logged, except for chunks in which NULLs or fields that only snapshots have count
// as unavailable.
func (r *batchTx) loadUnavailable(ctx context.Context, t *tableState, c *chunk, f *foldedChunk, st *stage) error {
	columns := make(map[int]bool)
	plain, viaOld := 0, 0
	for i := range f.changes {
		it := &f.changes[i]
		for _, at := range it.unavailable {
			columns[c.fields[at].column] = true
		}
		switch {
		case it.unavailable == nil:
		case it.oldKeySource != nil:
			viaOld++
		default:
			plain++
		}
	}
	if plain+viaOld == 0 {
		return nil
	}
	wanted := slices.Sorted(maps.Keys(columns))
	found := int64(0)
	for nulls := range f.nullPatterns {
		if plain == 0 {
			break
		}
		value := func(column int) string {
			return filledColumnSQL("s", column, c.filledValue(column, "c."+t.table.Columns[column].Stored.SQL()))
		}
		tag, err := r.tx.Exec(ctx, st.updateSQL("s", wanted, value, t.table.Current.SQL()+" AS c",
			sameKeySQL(t.table, c.keyIndexes, nulls)+" AND s.missing IS NOT NULL AND s.via IS NULL AND "+isLatestSQL(t.table, c.keyIndexes, nulls)))
		if err != nil {
			return fmt.Errorf("find unavailable values: %w", err)
		}
		found += tag.RowsAffected()
	}
	if viaOld > 0 {
		if err := r.findUnpaired(ctx, t, c, f, st); err != nil {
			return err
		}
		n, err := r.loadUnavailableByOldKey(ctx, t.table, c, f, wanted, st)
		if err != nil {
			return err
		}
		found += n
	}
	if found < int64(plain+viaOld) && len(c.keptFields)+len(c.assumedUnchanged) == 0 {
		r.warnLostValues(t)
	}
	return nil
}

// loadUnavailableByOldKey fills in values of rows with a changed key, from the version under the
// old key that ended with this change. If that delete has not been read, the current version of the
// old key is used. If the delete is in this chunk, the current version is the one that ends with
// it. If that version is in the chunk too, no stored version is the right one.
func (r *batchTx) loadUnavailableByOldKey(ctx context.Context, t *catalog.Table, c *chunk, f *foldedChunk, wanted []int, st *stage) (int64, error) {
	// The stage is joined with itself here, and has no index for that.
	if _, err := r.tx.Exec(ctx, "SET LOCAL enable_hashjoin = on"); err != nil {
		return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
	}
	found := int64(0)
	for nulls := range f.oldKeyNullPatterns() {
		// The probe s has the old key; the change i gets the values.
		values := ""
		for _, column := range wanted {
			values += ", c." + t.Columns[column].Stored.SQL() + " AS " + stageColumn(column)
		}
		value := func(column int) string {
			return filledColumnSQL("i", column, c.filledValue(column, "v."+stageColumn(column)))
		}
		from := st.SQL() + " AS s JOIN " + st.SQL() + " AS w ON w.via = s.ord" +
			" CROSS JOIN LATERAL (SELECT " + trimComma(values) + " FROM " + t.Main.SQL() + " AS c WHERE " + sameKeySQL(t, c.keyIndexes, nulls) +
			" AND (c.__current OR NOT s.upsert AND c.__end = greatest(s.at, c.__start))" +
			" ORDER BY c.__current = s.follows DESC, c.__start DESC, c.__id DESC LIMIT 1) AS v"
		tag, err := r.tx.Exec(ctx, st.updateSQL("i", wanted, value, from, "s.probe AND i.ord = w.ord"))
		if err != nil {
			return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
		}
		found += tag.RowsAffected()
	}
	if _, err := r.tx.Exec(ctx, "SET LOCAL enable_hashjoin = off"); err != nil {
		return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
	}
	return found, nil
}

// oldKeyNullPatterns returns the null patterns of the old keys.
func (f *foldedChunk) oldKeyNullPatterns() map[nullPattern]bool {
	found := make(map[nullPattern]bool, 1)
	for i := range f.changes {
		if via := f.changes[i].oldKeySource; via != nil {
			found[nullsOfKey(via.row)] = true
		}
	}
	return found
}

// filledColumnSQL returns the value of a column in a row of the stage, or the given value where it
// is missing.
func filledColumnSQL(row string, column int, value string) string {
	return "CASE WHEN " + strconv.Itoa(column) + " = ANY (" + row + ".missing) THEN " + value + " ELSE " + row + "." + stageColumn(column) + " END"
}
