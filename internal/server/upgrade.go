package server

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"metadb/internal/metaschema"
)

// Upgrade brings the database to this program's version, and reports the
// versions before and after. No server may be running.
func Upgrade(ctx context.Context, path string) (from, to int, err error) {
	err = exclusively(ctx, path, func(db *pgx.Conn) error {
		from, to, err = metaschema.Upgrade(ctx, db, Version)
		if errors.Is(err, metaschema.ErrNone) {
			return errNotSetUp
		}
		return err
	})
	return from, to, err
}
