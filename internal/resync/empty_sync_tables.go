package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
	"metadb/internal/target/pgcode"
)

// truncateLockTimeout limits the wait for TRUNCATE's lock. Readers of the tables, for example
// pg_dump, may hold theirs for hours.
const truncateLockTimeout = "500ms"

// emptySyncTables deletes all confirmations of the tables. Where readers hold locks, it uses
// DELETE, which does not conflict with them, in place of TRUNCATE.
func emptySyncTables(ctx context.Context, tx pgx.Tx, tables []*catalog.Table) error {
	if len(tables) == 0 {
		return nil
	}
	names := make([]string, len(tables))
	for i, name := range syncTables(tables) {
		names[i] = name.SQL()
	}
	if _, err := tx.Exec(ctx, "DELETE FROM metadb.confirmed_change WHERE sync_table = ANY ($1::text[]::regclass[])", names); err != nil {
		return fmt.Errorf("forget what changes have confirmed: %w", err)
	}
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+truncateLockTimeout+"'; TRUNCATE "+strings.Join(names, ", "))
		return err
	})
	if pgcode.IsLockTimeout(err) {
		for _, name := range names {
			if _, err = tx.Exec(ctx, "DELETE FROM "+name); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("empty the tables of confirmed rows: %w", err)
	}
	return nil
}
