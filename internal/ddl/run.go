package ddl

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// run sends the collected statements in one message. Without parameters pgx
// uses the simple protocol, which takes several statements.
func (b *builder) run(ctx context.Context, tx pgx.Tx) error {
	if b.text.Len() == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, b.text.String())
	return err
}

// lockSpace keeps this package's advisory locks apart from those of others.
const lockSpace = 1296393282

// lock waits until no other transaction makes what the name stands for; it
// lasts until tx ends. Two names may share a lock, which only costs time.
func lock(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1, pg_catalog.hashtext($2))", lockSpace, name)
	if err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	return nil
}

// hasLZ4 reports whether the server was built with lz4.
func hasLZ4(ctx context.Context, tx pgx.Tx) (bool, error) {
	var has bool
	err := tx.QueryRow(ctx, `
		SELECT coalesce(bool_or('lz4' = ANY (enumvals)), false)
			FROM pg_catalog.pg_settings
			WHERE name = 'default_toast_compression'`).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("ask for lz4: %w", err)
	}
	return has, nil
}
