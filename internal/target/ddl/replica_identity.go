package ddl

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// withoutIdentitySQL finds the partitions of a table that identify their rows to no subscriber of a
// publication: they have no primary key, and the replica identity is the default or nothing.
const withoutIdentitySQL = `
	SELECT n.nspname, c.relname
		FROM pg_catalog.pg_namespace AS mn
			JOIN pg_catalog.pg_class AS m ON m.relnamespace = mn.oid AND m.relname = $2
			CROSS JOIN LATERAL pg_catalog.pg_partition_tree(m.oid) AS p
			JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
			JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE mn.nspname = $1 AND p.isleaf AND c.relkind = 'r'
			AND (c.relreplident = 'n' OR c.relreplident = 'd'
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary))`

// EnsureReplicaIdentity sets a replica identity, in tx, for the partitions of a table that lack one, and
// reports whether there were any. Without one PostgreSQL refuses to delete or update the rows of a
// table in a publication. The identity is the whole row, since a table of Metadb has no unique
// index over NOT NULL columns only. The cost is more WAL, and only where wal_level is logical.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
func EnsureReplicaIdentity(ctx context.Context, tx pgx.Tx, t *catalog.Table) (bool, error) {
	rows, err := tx.Query(ctx, withoutIdentitySQL, string(t.Main.Schema), string(t.Main.Name))
	if err != nil {
		return false, fmt.Errorf("look for the replica identity of table %s: %w", t.Name, err)
	}
	parts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ident.Qualified, error) {
		var schema, name string
		err := row.Scan(&schema, &name)
		return ident.Qualified{Schema: ident.Name(schema), Name: ident.Name(name)}, err
	})
	if err != nil {
		return false, fmt.Errorf("look for the replica identity of table %s: %w", t.Name, err)
	}
	b := &statementBuilder{table: t}
	for _, part := range parts {
		b.addStatement("ALTER TABLE ", part.SQL(), " REPLICA IDENTITY FULL")
	}
	if err := b.sendStatements(ctx, tx); err != nil {
		return false, fmt.Errorf("give table %s a replica identity: %w", t.Name, withDetail(err))
	}
	return len(parts) > 0, nil
}
