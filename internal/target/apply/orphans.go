package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/transform/jsonmap"
)

// endOrphans ends the transformed rows of an origin that have no current parent any more.
func (r *batchTx) endOrphans(ctx context.Context, t *tableState, origin change.Origin, at change.Micros) error {
	if t.table.IsTransformed() {
		return nil
	}
	for _, name := range r.childNames(t.table.Name) {
		child := r.childState(name)
		if child == nil || !hasParentKey(child.table, t.table) {
			continue
		}
		where := "c.__origin = $2 AND " + isOrphanSQL(child.table, t.table)
		if err := r.endRowsWhere(ctx, child, where, at.UTC(), string(origin)); err != nil {
			return fmt.Errorf("end transformed rows of table %s: %w", t.table.Name, err)
		}
	}
	return nil
}

// endStaleTransformed ends the rows of transformed tables that no mapping makes any more, where
// their parents have ended.
func (r *batchTx) endStaleTransformed(ctx context.Context, t *tableState, set *jsonmap.MappingSet, effects []history.RowEffect) error {
	var ids []int64
	var ends []time.Time
	for i := range effects {
		for _, id := range effects[i].EndedIDs {
			ids, ends = append(ids, id), append(ends, effects[i].End.UTC())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	for _, name := range r.childNames(t.table.Name) {
		made := slices.ContainsFunc(set.Targets, func(target string) bool { return childName(t.table.Name, target) == name })
		child := r.childState(name)
		if made || child == nil || !hasParentKey(child.table, t.table) {
			continue
		}
		from := " USING unnest($1::bigint[], $2::timestamptz[]) AS e (id, at) JOIN " + t.table.History.SQL() + " AS p ON p.__id = e.id"
		for _, same := range sameParentSQL(child.table, t.table) {
			if err := r.endRowsFrom(ctx, child, from, same, "e.at", ids, ends); err != nil {
				return fmt.Errorf("end rows of table %s: %w", name, err)
			}
		}
	}
	return nil
}

// isOrphanSQL returns the condition that no current row of the parent has the key of the
// transformed row c.
func isOrphanSQL(child, parent *catalog.Table) string {
	equal, same, whole := "p.__origin = c.__origin", "p.__origin = c.__origin", "true"
	for _, pair := range parentKeyPairs(child, parent) {
		c, p := "c."+pair[0].SQL(), "p."+pair[1].SQL()
		equal += " AND " + p + " = " + c
		same += " AND " + p + " IS NOT DISTINCT FROM " + c
		whole += " AND " + c + " IS NOT NULL"
	}
	from := "(SELECT FROM " + parent.Current.SQL() + " AS p WHERE "
	return "CASE WHEN " + whole + " THEN NOT EXISTS " + from + equal + ") ELSE NOT EXISTS " + from + same + ") END"
}

// endRowsWhere ends the current rows c that meet a condition, at the time $1.
func (r *batchTx) endRowsWhere(ctx context.Context, t *tableState, where string, args ...any) error {
	return r.endRowsFrom(ctx, t, "", where, "$1::timestamptz", args...)
}

// endRowsFrom ends the current rows c that meet a condition on them and on the joined rows, at a
// time. The history partitions that the rows move to exist: they are created when a version begins.
func (r *batchTx) endRowsFrom(ctx context.Context, t *tableState, using, where, at string, args ...any) error {
	return r.execEndRows(ctx, t, sqlgen.EndRows(t.table, using, where, at), args...)
}

// EndOrphans ends, in tx and at a time, the current rows of a transformed table that have no
// current parent. It returns the table with its new last end.
func EndOrphans(ctx context.Context, tx pgx.Tx, child, parent *catalog.Table, at time.Time) (*catalog.Table, error) {
	r := &batchTx{tx: tx}
	t := &tableState{table: child}
	if !hasParentKey(child, parent) {
		return child, nil
	}
	if err := r.endRowsWhere(ctx, t, isOrphanSQL(child, parent), at); err != nil {
		return nil, fmt.Errorf("end rows of table %s: %w", child.Name, err)
	}
	r.finishedTables = []*tableState{t}
	return t.table, r.storeLastEnds(ctx)
}
