package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
)

// Event triggers run for schema changes, even if an administrator made them for other programs. A
// trigger that raises an error stops the tables that need a schema change, and the error's message
// does not identify the trigger. Temporary tables are replaced then (stage_permanent.go).

// eventTriggersSQL lists the enabled event triggers that can raise an error in a schema change.
const eventTriggersSQL = `
	SELECT coalesce(string_agg(pg_catalog.quote_ident(evtname) || ' (' || evtevent || ', function ' || evtfoid::regproc::text || ')', ', ' ORDER BY evtname), '')
		FROM pg_catalog.pg_event_trigger
		WHERE evtenabled IN ('O', 'A') AND evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite')`

// nameEventTriggers adds the event triggers of the database to a table's error that a function has
// raised. The transaction is rolled back already. If the query fails, the error stays unchanged.
func (a *Applier) nameEventTriggers(ctx context.Context, err error) {
	in, inTable := errors.AsType[*tableError](err)
	raised, ok := errors.AsType[*pgconn.PgError](err)
	if !inTable || !ok || raised.Where == "" || pgcode.IsDataError(raised.Code) || a.conn == nil || a.conn.IsClosed() {
		return
	}
	var triggers string
	if asked := a.conn.QueryRow(ctx, eventTriggersSQL).Scan(&triggers); asked != nil || triggers == "" {
		return
	}
	in.err = fmt.Errorf("%w (while %s; event triggers of the database: %s)", in.err, raised.Where, triggers)
}
