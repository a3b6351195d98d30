package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Changes of the schema are statements that event triggers see, also those that somebody
// made for others. One that raises stops the tables that have to change; the message of an
// error does not say where it comes from. Temporary tables can be done without
// (stage_permanent.go).

// eventTriggersSQL asks for those that can.
const eventTriggersSQL = `
	SELECT coalesce(string_agg(pg_catalog.quote_ident(evtname) || ' (' || evtevent || ', function ' || evtfoid::regproc::text || ')', ', ' ORDER BY evtname), '')
		FROM pg_catalog.pg_event_trigger
		WHERE evtenabled IN ('O', 'A') AND evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite')`

// nameEventTriggers adds the event triggers of the database to the error of a table
// that a function has raised, in a transaction that is rolled back by now. Where that
// can't be asked the error stays as it is.
func (a *Applier) nameEventTriggers(ctx context.Context, err error) {
	in, inTable := errors.AsType[*tableError](err)
	raised, ok := errors.AsType[*pgconn.PgError](err)
	if !inTable || !ok || raised.Where == "" || isDataError(raised.Code) || a.conn == nil || a.conn.IsClosed() {
		return
	}
	var triggers string
	if asked := a.conn.QueryRow(ctx, eventTriggersSQL).Scan(&triggers); asked != nil || triggers == "" {
		return
	}
	in.err = fmt.Errorf("%w (while %s; event triggers of the database: %s)", in.err, raised.Where, triggers)
}
