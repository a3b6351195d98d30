package access

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// SetPassword gives a registered user another password: the verifier is what PostgreSQL stores
// in its place.
func (r Roles) SetPassword(ctx context.Context, tx pgx.Tx, user, verifier string) error {
	if err := r.registered(ctx, tx, user); err != nil {
		return err
	}
	quoted, err := literal(ctx, tx, verifier)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "ALTER ROLE "+ident.Name(user).SQL()+" PASSWORD "+quoted); err != nil {
		return fmt.Errorf("set the password: %w", err)
	}
	return nil
}
