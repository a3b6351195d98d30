package history

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"metadb/internal/catalog"
	"metadb/internal/ident"
)

// resolve fills in unavailable values in the stage: those of the key's current
// row, or, after a change of key, those of the version that was last under the
// old key. Where there is none they stay NULL, and the log says so.
func (r *run) resolve(ctx context.Context, t *target, c *chunk, f *folded, st *stage) error {
	columns := make(map[int]bool)
	plain, viaOld := 0, 0
	for i := range f.items {
		it := &f.items[i]
		for _, at := range it.unavailable {
			columns[c.fields[at].column] = true
		}
		switch {
		case it.unavailable == nil:
		case it.via != nil:
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
	for nulls := range f.patterns(c) {
		if plain == 0 {
			break
		}
		sql := "UPDATE " + st.SQL() + " s SET " + fillColumns(t.table, wanted) + " FROM " + t.table.Current.SQL() + " c WHERE " +
			sameKey(t.table, c.key, nulls) + " AND s.missing IS NOT NULL AND s.via IS NULL"
		tag, err := r.tx.Exec(ctx, sql)
		if err != nil {
			return fmt.Errorf("find unavailable values: %w", err)
		}
		found += tag.RowsAffected()
	}
	if viaOld > 0 {
		n, err := r.resolveOldKeys(ctx, t.table, c, wanted, st)
		if err != nil {
			return err
		}
		found += n
	}
	if found < int64(plain+viaOld) {
		r.warnLost(t)
	}
	return nil
}

// resolveOldKeys fills in values of rows whose key has changed: from the version
// under the old key that ended with this very change, or, where that delete has
// not been read yet, from the one that is current under it.
func (r *run) resolveOldKeys(ctx context.Context, t *catalog.Table, c *chunk, wanted []int, st *stage) (int64, error) {
	// The probe p has the old key, the item s wants the values, c has them.
	lookup := "SELECT c.* FROM " + t.Main.SQL() + " c WHERE " + sameKeyOfProbe(t, c.key) +
		" AND (c.__current OR c.__end = s.at) ORDER BY c.__current, c.__start DESC, c.__id DESC LIMIT 1"
	// An UPDATE can't refer to its own target in LATERAL: s is joined once
	// more, under its own name, and found again by its number.
	sql := "UPDATE " + st.SQL() + " u SET " + fillFrom(t, wanted) + " FROM (SELECT s.ord AS item, s.missing AS lacks, v.*" +
		" FROM " + st.SQL() + " s JOIN " + st.SQL() + " p ON p.ord = s.via CROSS JOIN LATERAL (" + lookup + ") v WHERE s.via IS NOT NULL) c" +
		" WHERE u.ord = c.item"
	tag, err := r.tx.Exec(ctx, sql)
	if err != nil {
		return 0, fmt.Errorf("find unavailable values under old keys: %w", err)
	}
	return tag.RowsAffected(), nil
}

// sameKeyOfProbe returns the condition that a row of the table c has the key of
// the probe p, NULL where that is NULL. Probes are few.
func sameKeyOfProbe(t *catalog.Table, key []int) string {
	sql := "c." + ident.Origin.SQL() + " = p.origin"
	for _, column := range key {
		stored, staged := "c."+t.Columns[column].Stored.SQL(), "p."+stageColumn(column)
		sql += " AND (" + stored + " = " + staged + " OR " + stored + " IS NULL AND " + staged + " IS NULL)"
	}
	return sql
}

// fillColumns returns the assignments that take the wanted columns from c where
// the row lacks them.
func fillColumns(t *catalog.Table, wanted []int) string {
	return assignments(t, wanted, "s", "s.missing")
}

// fillFrom is fillColumns for the statement about old keys.
func fillFrom(t *catalog.Table, wanted []int) string {
	return assignments(t, wanted, "u", "c.lacks")
}

func assignments(t *catalog.Table, wanted []int, row, missing string) string {
	sql := ""
	for _, i := range wanted {
		name := stageColumn(i)
		sql += fmt.Sprintf(", %s = CASE WHEN %d = ANY (%s) THEN c.%s ELSE %s.%s END",
			name, i, missing, t.Columns[i].Stored.SQL(), row, name)
	}
	return trimComma(sql)
}
