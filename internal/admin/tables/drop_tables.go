package tables

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// Dropped describes the effects of Drop beyond the tables that it was called with.
type Dropped struct {
	// Tables has all tables that were dropped, for the catalog to remove.
	Tables []change.Table
	// Transformed has the main tables that were dropped because they are transformed from a dropped
	// table.
	Transformed []ident.Qualified
	// Mappings and Grants are the numbers of removed mappings and grants.
	Mappings, Grants int64
	// Parents has the main tables that stay, of which a transformed table was dropped: their
	// mappings create it again.
	Parents []ident.Qualified
}

// Drop drops main tables with their partitions, sync tables, transformed tables, mappings and
// grants. The caller rolls tx back after an error: a [MissingError] or a [BusyError] names the
// table that is the obstacle. The caller keeps batches out.
func Drop(ctx context.Context, tx pgx.Tx, snap *catalog.Snapshot, mains []ident.Qualified) (Dropped, error) {
	var dropped Dropped
	var tables []*catalog.Table
	for i, main := range mains {
		t := findByMain(snap, main)
		if t == nil {
			return dropped, MissingError(i)
		}
		var busy bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.resync WHERE schema_name = $1 AND table_name = $2)", t.Name.Schema, t.Name.Name).Scan(&busy)
		if err != nil {
			return dropped, fmt.Errorf("ask what is being synchronized: %w", err)
		}
		if busy {
			return dropped, BusyError(i)
		}
		if !slices.Contains(tables, t) {
			tables = append(tables, t)
		}
	}
	tables, dropped.Transformed = withTransformed(snap, tables)
	for _, t := range tables {
		if err := dropped.dropTable(ctx, tx, t); err != nil {
			return dropped, err
		}
		parent := snap.Table(t.Parent)
		if !t.IsTransformed() || parent == nil || slices.Contains(tables, parent) {
			continue
		}
		dropped.Parents = append(dropped.Parents, parent.Main)
		// The parent's transformed tables are no longer complete.
		_, err := tx.Exec(ctx, "UPDATE metadb.target_table SET mapped = '' WHERE schema_name = $1 AND table_name = $2", t.Parent.Schema, t.Parent.Name)
		if err != nil {
			return dropped, fmt.Errorf("update table %s: %w", parent.Main, err)
		}
	}
	return dropped, nil
}

// MissingError is the index, among those given, of a table that does not exist.
type MissingError int

// BusyError is the index, among those given, of a table with a synchronization of its own.
type BusyError int

func (e BusyError) Error() string { return fmt.Sprintf("table %d is being synchronized", int(e)) }

func (e MissingError) Error() string { return fmt.Sprintf("table %d does not exist", int(e)) }

// withTransformed adds the tables that are transformed from some tables, and returns their main
// tables too.
func withTransformed(snap *catalog.Snapshot, tables []*catalog.Table) ([]*catalog.Table, []ident.Qualified) {
	var added []ident.Qualified
	for t := range snap.All() {
		if !t.IsTransformed() || slices.Contains(tables, t) {
			continue
		}
		if slices.ContainsFunc(tables, func(parent *catalog.Table) bool { return parent.Name == t.Parent }) {
			tables, added = append(tables, t), append(added, t.Main)
		}
	}
	return tables, added
}

// dropTable drops one table and the rows in metadb.* that describe it.
func (d *Dropped) dropTable(ctx context.Context, tx pgx.Tx, t *catalog.Table) error {
	if err := dropRelations(ctx, tx, t); err != nil {
		return fmt.Errorf("drop table %s: %w", t.Main, err)
	}
	var relations []string
	for relation := range t.Relations() {
		relations = append(relations, string(relation.Name))
	}
	stored := []any{string(t.Current.Schema), string(t.Current.Name)}
	named := []any{t.Name.Schema, t.Name.Name}
	for _, row := range []struct {
		sql   string
		args  []any
		count *int64
	}{
		{sql: "DELETE FROM metadb.base_table WHERE schema_name = $1 AND table_name = $2", args: stored},
		{sql: "DELETE FROM metadb.confirmed_floor WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.table_update WHERE schema_name = $1 AND table_name = $2", args: stored},
		{sql: "DELETE FROM metadb.transform_json WHERE schema_name = $1 AND table_name = $2", args: stored, count: &d.Mappings},
		{
			sql:  "DELETE FROM metadb.acl WHERE schema_name = $1 AND object_type = 't' AND object_name = ANY ($2)",
			args: []any{string(t.Main.Schema), relations}, count: &d.Grants,
		},
		{sql: "DELETE FROM metadb.target_table WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.target_column WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.table_feed WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.topic_table WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.carried_columns WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.outdated_table WHERE schema_name = $1 AND table_name = $2", args: named},
		// A table of that name that comes later has other rows, and numbers them anew.
		{sql: "DELETE FROM metadb.truncation WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.last_endsync WHERE schema_name = $1 AND table_name = $2", args: named},
		{sql: "DELETE FROM metadb.row_position WHERE schema_name = $1 AND table_name = $2", args: named},
	} {
		tag, err := tx.Exec(ctx, row.sql, row.args...)
		if err != nil {
			return fmt.Errorf("forget table %s: %w", t.Main, err)
		}
		if row.count != nil {
			*row.count += tag.RowsAffected()
		}
	}
	d.Tables = append(d.Tables, t.Name)
	return nil
}

// existingRelationsSQL finds the existing relations of a table, in an order in which they can be dropped: the
// main table first, with which its partitions are dropped. A relation of another kind under one of
// the names does not belong to Metadb.
const existingRelationsSQL = `
	SELECT r.ord::int FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS r (name, kind, ord)
			JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(r.name) AND c.relkind::text = r.kind
		ORDER BY r.ord`

// dropRelations drops the existing relations of a table. Some may be missing or detached where the
// table was changed by hand.
func dropRelations(ctx context.Context, tx pgx.Tx, t *catalog.Table) error {
	relations := []string{t.Main.SQL(), t.Current.SQL(), t.History.SQL(), t.Sync.SQL()}
	rows, err := tx.Query(ctx, existingRelationsSQL, relations, []string{"p", "r", "p", "r"})
	if err != nil {
		return err
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	for _, at := range there {
		if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+relations[at-1]); err != nil {
			return err
		}
	}
	return nil
}
