package apply

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
)

// defaultTablespaceSQL returns the tablespace of the database's tables that have no other one.
const defaultTablespaceSQL = "SELECT dattablespace::text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"

// isOtherTablespaceFull reports whether an error is that of a full tablespace other than the
// database's own, home. An administrator has put the table there, and most other tables are not
// concerned: the error is the table's (table_error.go), and internal/pipeline/parking.go takes
// the table out of the batches until there is room.
func isOtherTablespaceFull(err error, home string) bool {
	full, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || full.Code != pgcode.DiskFull {
		return false
	}
	// The message has the path of the file in any language:
	// pg_tblspc/16384/PG_15_202209061/16385/2608, with t7_2608 or pgsql_tmp for temporary files.
	_, path, ok := strings.Cut(full.Message, "pg_tblspc/")
	parts := strings.SplitN(path, "/", 4)
	if !ok || len(parts) < 4 || parts[0] == home {
		return false
	}
	return parts[3] != "" && parts[3][0] >= '0' && parts[3][0] <= '9'
}
