package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
)

// SQLSTATEs of a relation that is there already, and of another object, such as a
// type: each relation has a type of its name.
const (
	duplicateTable  = "42P07"
	duplicateObject = "42710"
)

// programLimitExceeded is the class of SQLSTATEs of what is too much for PostgreSQL, such
// as columns of a table.
const programLimitExceeded = "54"

// ensureTable makes the table as the plan says. It reports false if that can't be, because
// something that is none of Metadb's has one of its names or its schema, or because the columns
// are too many for PostgreSQL, which counts those that were dropped; the table's
// events are set aside then, and those of others go on.
func (r *batchTx) ensureTable(ctx context.Context, t *tableState) (bool, error) {
	if t.delta.IsEmpty() {
		return true, nil
	}
	var table *catalog.Table
	execute := func() error {
		var err error
		table, err = ddl.Execute(ctx, r.tx, t.delta, r.config.Logger)
		return err
	}
	err := r.withSavepoint(ctx, execute)
	var refused *pgconn.PgError
	var taken *ddl.SchemaError
	switch isRefusal := errors.As(err, &refused); {
	case err == nil:
		t.table, t.changed = table, true
		return true, nil
	case isRefusal && refused.Code[:2] == programLimitExceeded:
		r.refuseTable(t, fmt.Sprintf("table %s can't be made as its events are: %s", t.table.Name, refused.Message))
		return false, nil
	case errors.As(err, &taken):
		r.refuseTable(t, taken.Error())
		return false, nil
	case t.delta.Before != nil || !isRefusal || refused.Code != duplicateTable && refused.Code != duplicateObject:
		return false, err
	}
	// Another stream may have made the table a moment ago.
	var ours bool
	const known = "SELECT EXISTS (SELECT FROM metadb.target_table WHERE schema_name = $1 AND table_name = $2)"
	if failed := r.tx.QueryRow(ctx, known, t.table.Name.Schema, t.table.Name.Name).Scan(&ours); failed != nil {
		return false, fmt.Errorf("look for the table: %w", failed)
	}
	if ours {
		return false, err
	}
	r.refuseTable(t, fmt.Sprintf("table %s can't be made: %s, and is not Metadb's", t.table.Name, refused.Message))
	return false, nil
}

// refuseTable sets all events of a table aside.
func (r *batchTx) refuseTable(t *tableState, reason string) {
	line := fmt.Sprintf("table %s: %s", r.batch.Events[t.events[0]].Source, reason)
	if !slices.Contains(r.outcome.Refusals, line) {
		r.outcome.Refusals = append(r.outcome.Refusals, line)
	}
	for _, i := range t.events {
		r.outcome.Applied--
		r.rejectEvent(i, change.NoTable, reason)
	}
	t.events, t.refused = nil, true
}
