package client

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/metaschema"
)

// ErrUpgradeDeclined is returned if the administrator declines the upgrade.
var ErrUpgradeDeclined = errors.New("the upgrade was declined")

// Upgrade upgrades the database to this program's version, and returns the versions before and
// after. No server may be running. If they differ, agree is called with both versions before
// anything changes. The name of the program's version is stored.
func Upgrade(ctx context.Context, path, version string, agree func(from, to int) (bool, error)) (from, to int, err error) {
	err = withLockedDatabase(ctx, path, func(db *pgx.Conn) error {
		if from, to, err = metaschema.Versions(ctx, db); err != nil {
			if errors.Is(err, metaschema.ErrNoSchema) {
				return errNotSetUp
			}
			return err
		}
		if from != to {
			if yes, err := agree(from, to); err != nil {
				return err
			} else if !yes {
				return ErrUpgradeDeclined
			}
		}
		return metaschema.Upgrade(ctx, db, version)
	})
	return from, to, err
}
