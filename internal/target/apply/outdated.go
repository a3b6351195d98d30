package apply

import (
	"context"
	"fmt"
	"slices"

	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// noteOutdated stores in metadb.outdated_table, and warns in the log once, why current rows of a
// table may differ from those at the source after the schema change of its plan. It does nothing if
// the table has no row that the change concerns; so it runs before the table's events are applied.
func (r *batchTx) noteOutdated(ctx context.Context, t *tableState) error {
	for _, o := range t.delta.Outdated {
		if slices.Contains(t.table.Outdated, o.Reason) {
			continue
		}
		there, err := r.hasRows(ctx, t.table, o)
		if err != nil || !there {
			if err != nil {
				return fmt.Errorf("look for rows that are outdated: %w", err)
			}
			continue
		}
		if o.Harmless {
			r.config.Logger.Info(fmt.Sprintf("table %s: %s", t.table.Name, o.Reason))
			continue
		}
		const sql = "INSERT INTO metadb.outdated_table (schema_name, table_name, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
		if _, err := r.tx.Exec(ctx, sql, t.table.Name.Schema, t.table.Name.Name, o.Reason); err != nil {
			return fmt.Errorf("note that rows are outdated: %w", err)
		}
		table := t.table.Clone()
		at, _ := slices.BinarySearch(table.Outdated, o.Reason)
		table.Outdated = slices.Insert(table.Outdated, at, o.Reason)
		t.table, t.changed = table, true
		if o.Logged {
			continue
		}
		r.outcome.Warnings = append(r.outcome.Warnings, fmt.Sprintf("table %s: %s. To read them: %s", table.Name, o.Reason, table.ResyncCommands()))
	}
	return nil
}

// hasRows reports whether the table has current rows of the origin.
func (r *batchTx) hasRows(ctx context.Context, t *catalog.Table, o plan.Outdated) (there bool, err error) {
	sql, args := "SELECT EXISTS (SELECT FROM "+t.Current.SQL()+")", []any{}
	if len(t.Feeds) > 1 {
		sql, args = "SELECT EXISTS (SELECT FROM "+t.Current.SQL()+" WHERE __origin = $1)", []any{string(o.Origin)}
	}
	err = r.tx.QueryRow(ctx, sql, args...).Scan(&there)
	return there, err
}
