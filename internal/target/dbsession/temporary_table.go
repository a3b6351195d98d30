package dbsession

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
)

// TemporaryRefusal returns the error of PostgreSQL in err, ok if it means that the session may not
// create temporary tables: a function of an event trigger has raised it (it has a context), or the
// privilege is missing. A conflict with the locks of other sessions is no refusal.
func TemporaryRefusal(err error) (refused *pgconn.PgError, ok bool) {
	refused, ok = errors.AsType[*pgconn.PgError](err)
	return refused, ok && !pgcode.IsLockConflict(err) && (refused.Where != "" || refused.Code == pgcode.InsufficientPrivilege)
}
