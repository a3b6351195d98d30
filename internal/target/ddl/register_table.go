package ddl

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// The statements for the rows that describe a table. They replace the rows of an earlier table of
// that name, with relations that were dropped by hand.
const (
	baseTableSQL = `
		INSERT INTO metadb.base_table (schema_name, table_name, source_name, transformed, parent_schema_name, parent_table_name)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (schema_name, table_name) DO UPDATE SET source_name = excluded.source_name,
				transformed = excluded.transformed, parent_schema_name = excluded.parent_schema_name, parent_table_name = excluded.parent_table_name`

	targetTableSQL = `
		INSERT INTO metadb.target_table (schema_name, table_name, stored_schema,
				current_table, main_table, history_table, sync_table, key_columns, own_columns)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (schema_name, table_name) DO UPDATE SET key_columns = excluded.key_columns,
				own_columns = excluded.own_columns, last_end = NULL, mapped = ''`

	// takeOverSQL has no effect if the table has a data source: another stream was faster.
	takeOverSQL = `
		UPDATE metadb.base_table b SET source_name = $3
			WHERE schema_name = $1 AND table_name = $2 AND NOT EXISTS (SELECT FROM metadb.source s WHERE s.name = b.source_name)`

	keyColumnsSQL = `
		UPDATE metadb.target_table SET key_columns = $3
			WHERE schema_name = $1 AND table_name = $2`

	carriedSQL = `
		INSERT INTO metadb.carried_columns (schema_name, table_name, origin, from_snapshot, snapshot_only, gone, never)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (schema_name, table_name, origin) DO UPDATE SET from_snapshot = excluded.from_snapshot,
				snapshot_only = excluded.snapshot_only, gone = excluded.gone, never = excluded.never`

	deleteCarriedSQL = `
		DELETE FROM metadb.carried_columns
			WHERE schema_name = $1 AND table_name = $2 AND origin = $3`

	ownColumnsSQL = `
		UPDATE metadb.target_table SET own_columns = $3
			WHERE schema_name = $1 AND table_name = $2`

	tableFeedSQL = `
		INSERT INTO metadb.table_feed (schema_name, table_name, origin, source_name, source_schema, source_table)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (schema_name, table_name, origin) DO UPDATE
				SET source_name = excluded.source_name, source_schema = excluded.source_schema, source_table = excluded.source_table`

	targetColumnSQL = `
		INSERT INTO metadb.target_column (schema_name, table_name, stored_name, source_name)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (schema_name, table_name, stored_name) DO UPDATE SET source_name = excluded.source_name`
)

// registerTable writes the facts about the table that PostgreSQL's own catalog does not hold: full
// names, key, feeds, names of columns at the source.
func (x *deltaExecution) registerTable(ctx context.Context) error {
	t, before := x.table, x.delta.Before
	batch := &pgx.Batch{}
	if before == nil {
		before = &catalog.Table{}
		deleteRegistration(batch, t)
		parentSchema, parent := "", ""
		if t.IsTransformed() {
			parentSchema, parent = string(ident.Schema(t.Parent.Schema)), string(ident.Current(t.Parent.Name))
		}
		batch.Queue(baseTableSQL, string(t.Current.Schema), string(t.Current.Name), t.Source, t.IsTransformed(), parentSchema, parent)
		batch.Queue(targetTableSQL, t.Name.Schema, t.Name.Name, string(t.Main.Schema),
			string(t.Current.Name), string(t.Main.Name), string(t.History.Name), string(t.Sync.Name), t.KeyNames(), storedNames(t))
	} else if x.delta.KeyChanged {
		batch.Queue(keyColumnsSQL, t.Name.Schema, t.Name.Name, t.KeyNames())
	}
	if x.delta.Before != nil && len(before.Columns) != len(t.Columns) {
		batch.Queue(ownColumnsSQL, t.Name.Schema, t.Name.Name, storedNames(t))
	}
	registerCarried(batch, before, t)
	for origin, feed := range t.Feeds {
		if _, known := before.Feeds[origin]; !known {
			batch.Queue(tableFeedSQL, t.Name.Schema, t.Name.Name, string(origin), t.Source, feed.Schema, feed.Name)
		}
	}
	for _, column := range t.Columns[len(before.Columns):] {
		if string(column.Stored) != column.Name {
			batch.Queue(targetColumnSQL, t.Name.Schema, t.Name.Name, string(column.Stored), column.Name)
		}
	}
	if x.delta.Before != nil && before.Source != t.Source {
		if err := x.takeOverTable(ctx); err != nil {
			return err
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := x.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return nil
}

// registerCarried writes how the events of the origins bring the columns, where that has changed.
func registerCarried(batch *pgx.Batch, before, t *catalog.Table) {
	for origin, c := range t.Carried {
		if !c.Equal(before.Carried[origin]) {
			batch.Queue(carriedSQL, t.Name.Schema, t.Name.Name, string(origin),
				nonNilNames(c.FromSnapshot), nonNilNames(c.SnapshotOnly), nonNilNames(c.Gone), nonNilNames(c.Never))
		}
	}
	for origin := range before.Carried {
		if _, still := t.Carried[origin]; !still {
			batch.Queue(deleteCarriedSQL, t.Name.Schema, t.Name.Name, string(origin))
		}
	}
}

// storedNames returns the names under which the table's columns are stored.
func storedNames(t *catalog.Table) []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = string(c.Stored)
	}
	return names
}

// nonNilNames returns an array that is not NULL.
func nonNilNames(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// takeOverTable gives a table of a dropped data source to another one.
func (x *deltaExecution) takeOverTable(ctx context.Context) error {
	t := x.table
	tag, err := x.tx.Exec(ctx, takeOverSQL, string(t.Current.Schema), string(t.Current.Name), t.Source)
	switch {
	case err != nil:
		return fmt.Errorf("register the data source: %w", err)
	case tag.RowsAffected() == 0:
		return fmt.Errorf("register the data source: another one has the table meanwhile")
	}
	x.log.Info(fmt.Sprintf("table %s: taken over by data source %q, since the one that it belonged to has been dropped", t.Name, t.Source))
	return nil
}

// deleteRegistration deletes the rows that describe an earlier table of that name.
func deleteRegistration(batch *pgx.Batch, t *catalog.Table) {
	for _, table := range []string{"table_feed", "target_column", "carried_columns", "outdated_table"} {
		batch.Queue("DELETE FROM metadb."+table+" WHERE schema_name = $1 AND table_name = $2", t.Name.Schema, t.Name.Name)
	}
}
