package ddl

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// sendStatements sends the collected statements in one message. Without parameters pgx
// uses the simple protocol, which takes several statements.
func (b *statementBuilder) sendStatements(ctx context.Context, tx pgx.Tx) error {
	if b.text.Len() == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, b.text.String())
	return err
}

// creationLocks is the number of rows of metadb.creation_lock, with ids from 0 on.
const creationLocks = 256

// lockCreation waits until no other transaction creates the object of that name; the lock lasts until tx
// ends. Two names may share a lock, which only costs time. It is a lock on a row, which only the
// system user may take; every role can take an advisory lock.
func lockCreation(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, "SELECT FROM metadb.creation_lock WHERE id = pg_catalog.abs(pg_catalog.hashtext($1)::pg_catalog.int8) % $2 FOR UPDATE", name, creationLocks)
	if err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	return nil
}

// hasLZ4 reports whether the server was built with lz4. Sessions of Metadb have lz4 as their
// default if it was, and the lookup in pg_settings takes PostgreSQL a hundred times as long.
func hasLZ4(ctx context.Context, tx pgx.Tx) (bool, error) {
	var has bool
	err := tx.QueryRow(ctx, `
		SELECT pg_catalog.current_setting('default_toast_compression') = 'lz4' OR (
			SELECT coalesce(bool_or('lz4' = ANY (enumvals)), false)
				FROM pg_catalog.pg_settings
				WHERE name = 'default_toast_compression')`).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("ask for lz4: %w", err)
	}
	return has, nil
}
