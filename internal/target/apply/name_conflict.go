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
	"metadb/internal/target/pgcode"
)

// isDuplicateRelation reports whether a relation of the name exists already, or another object
// does, such as a type: each relation has a type of its name.
func isDuplicateRelation(err error) bool {
	return pgcode.Is(err, pgcode.DuplicateTable, pgcode.DuplicateObject)
}

// ensureTable creates or alters the table by its plan. It returns false after it has rejected the
// table's events: because an object that is not Metadb's has one of the table's names or its
// schema, or because the table would have too many columns, of which PostgreSQL counts dropped ones
// too. Events of other tables are applied.
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
	case isRefusal && pgcode.Class(refused.Code) == pgcode.ClassProgramLimitExceeded:
		r.refuseTable(t, fmt.Sprintf("table %s can't be made as its events are: %s", t.table.Name, refused.Message))
		return false, nil
	case errors.As(err, &taken):
		r.refuseTable(t, taken.Error())
		return false, nil
	case t.delta.Before != nil || !isDuplicateRelation(err):
		return false, err
	}
	// Another stream may have created the table since the catalog was read.
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

// refuseTable rejects all events of a table.
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
