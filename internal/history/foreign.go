package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ddl"
)

// duplicateTable is the SQLSTATE of a relation that is there already.
const duplicateTable = "42P07"

// fit makes the table as the plan says. It reports false if that can't be, because
// a relation that is none of Metadb's has one of its names; the table's events are
// set aside then, and those of others go on.
func (r *run) fit(ctx context.Context, t *target) (bool, error) {
	if t.delta.Empty() {
		return true, nil
	}
	var table *catalog.Table
	execute := func() error {
		var err error
		table, err = ddl.Execute(ctx, r.tx, t.delta, r.config.Logger)
		return err
	}
	if t.delta.Before != nil {
		if err := execute(); err != nil {
			return false, err
		}
		t.table, t.changed = table, true
		return true, nil
	}
	err := r.savepoint(ctx, execute)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		t.table, t.changed = table, true
		return true, nil
	case !errors.As(err, &refused) || refused.Code != duplicateTable:
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
	r.refuse(t, fmt.Sprintf("table %s can't be made: %s, and is not Metadb's", t.table.Name, refused.Message))
	return false, nil
}

// refuse sets all events of a table aside.
func (r *run) refuse(t *target, reason string) {
	line := fmt.Sprintf("table %s: %s", r.batch.Events[t.events[0]].Source, reason)
	if !slices.Contains(r.outcome.Refusals, line) {
		r.outcome.Refusals = append(r.outcome.Refusals, line)
	}
	for _, i := range t.events {
		r.outcome.Applied--
		r.reject(i, change.NoTable, reason)
	}
	t.events, t.refused = nil, true
}
