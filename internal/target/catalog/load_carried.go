package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

const carriedSQL = `
	SELECT schema_name, table_name, origin, from_snapshot, snapshot_only, gone, never
		FROM metadb.carried_columns`

// loadCarried reads how the events of each origin bring the columns.
func (l *catalogLoader) loadCarried(ctx context.Context) error {
	rows, err := l.db.Query(ctx, carriedSQL)
	if err != nil {
		return fmt.Errorf("carried columns: %w", err)
	}
	var name change.Table
	var origin string
	var c Carried
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &origin, &c.FromSnapshot, &c.SnapshotOnly, &c.Gone, &c.Never}, func() error {
		if e := l.byName[name]; e != nil {
			e.table.SetCarried(change.Origin(origin), c.Clone())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("carried columns: %w", err)
	}
	return nil
}

const outdatedSQL = `
	SELECT schema_name, table_name, reason
		FROM metadb.outdated_table ORDER BY reason COLLATE "C"`

// loadOutdated reads the tables that have to be read again, with the reasons.
func (l *catalogLoader) loadOutdated(ctx context.Context) error {
	rows, err := l.db.Query(ctx, outdatedSQL)
	if err != nil {
		return fmt.Errorf("outdated tables: %w", err)
	}
	var name change.Table
	var reason string
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &reason}, func() error {
		if e := l.byName[name]; e != nil {
			e.table.Outdated = append(e.table.Outdated, reason)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("outdated tables: %w", err)
	}
	return nil
}
