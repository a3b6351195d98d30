package ddl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// Execute changes the table as the delta describes, in tx, and returns the changed table: After,
// but for Guarded, which depends on the rows, and for years that other partitions hold (Elsewhere).
// The caller may publish it when tx is committed. Changes of type, which rewrite the table, are
// logged at INFO with their duration.
//
// The transaction's lock_timeout bounds each wait for a lock. An error of PostgreSQL is wrapped
// with its detail, such as the view that keeps a column from changing its type.
func Execute(ctx context.Context, tx pgx.Tx, d plan.Delta, log *slog.Logger) (*catalog.Table, error) {
	if d.IsEmpty() {
		return d.After, nil
	}
	x := &deltaExecution{tx: tx, delta: d, table: d.After.Clone(), log: log}
	run := x.changeTable
	if d.Before == nil {
		run = x.createTable
	}
	if err := run(ctx); err != nil {
		return nil, &ChangeError{Delta: d, err: withDetail(err)}
	}
	return x.table, nil
}

// deltaExecution is the state of one Execute.
type deltaExecution struct {
	tx    pgx.Tx
	delta plan.Delta
	// table is the result of Execute.
	table *catalog.Table
	log   *slog.Logger
}

// changeTable changes an existing table.
func (x *deltaExecution) changeTable(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		x.alterColumns, x.changeKey, x.addIndexes, x.addYears, x.registerTable,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// addYears makes the partitions of the years that Before does not have.
func (x *deltaExecution) addYears(ctx context.Context) error {
	var missing []int
	for _, year := range x.table.Years {
		if !x.delta.Before.HasYear(year) {
			missing = append(missing, year)
		}
	}
	return createYears(ctx, x.tx, x.table, missing)
}

// withDetail adds PostgreSQL's detail, which names the obstacle, to the message of its error.
func withDetail(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Detail != "" {
		return fmt.Errorf("%w: %s", err, pg.Detail)
	}
	return err
}
