package apply

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// diskFull is the SQLSTATE of a file that can't grow.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const diskFull = "53100"

// defaultTablespaceSQL asks for the tablespace that the database's tables are in unless they
// were put elsewhere.
const defaultTablespaceSQL = "SELECT dattablespace::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"

// isOtherTablespaceFull says whether an error is that a tablespace is full that is not the
// database's own, defaultTablespace: a table was put there, and most others are not concerned.
func isOtherTablespaceFull(err error, home string) bool {
	full, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || full.Code != diskFull {
		return false
	}
	// The message, in any language, has the file: pg_tblspc/16384/PG_15_202209061/
	// 16385/2608, with t7_2608 or pgsql_tmp for what is temporary.
	_, path, ok := strings.Cut(full.Message, "pg_tblspc/")
	parts := strings.SplitN(path, "/", 4)
	if !ok || len(parts) < 4 || parts[0] == home {
		return false
	}
	return parts[3] != "" && parts[3][0] >= '0' && parts[3][0] <= '9'
}
