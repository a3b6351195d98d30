package adminexec

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// quietly runs f in a transaction whose parameters PostgreSQL does not log,
// whatever it logs otherwise: among a data source's options is a password. It
// takes the superuser to say so; one of a hosted database may not be allowed to,
// and what is logged there is its owner's choice.
func (e *Executor) quietly(ctx context.Context, f func(pgx.Tx) error) error {
	conn, err := e.Super(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SET LOCAL log_parameter_max_length = 0; SET LOCAL log_parameter_max_length_on_error = 0")
			return err
		})
		var refused *pgconn.PgError
		if err != nil && (!errors.As(err, &refused) || refused.Code != codeInsufficientPrivilege) {
			return err
		}
		return f(tx)
	})
}
