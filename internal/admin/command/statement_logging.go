package command

import (
	"context"

	"github.com/jackc/pgx/v5"

	"metadb/internal/datasource"
	"metadb/internal/target/pgcode"
)

// withoutStatementLogging runs f in a transaction that keeps statement parameters out of
// PostgreSQL's log, since a data source's options include a password. The system user needs a right
// for that, which the server gives it at its start, or warns of; without it, the configuration of
// the database server decides.
func (srv *Services) withoutStatementLogging(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, srv.DB, func(tx pgx.Tx) error {
		for _, sql := range []string{"SET LOCAL log_parameter_max_length_on_error = 0", "SET LOCAL log_parameter_max_length = 0"} {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, sql)
				return err
			})
			if err != nil && !pgcode.Is(err, pgcode.InsufficientPrivilege) {
				return err
			}
		}
		return f(tx)
	})
}

// sealPassword encrypts the password in a data source's options.
func (srv *Services) sealPassword(options *datasource.Options) error {
	if srv.Sealer == nil {
		return nil
	}
	return options.Seal(srv.Sealer)
}
