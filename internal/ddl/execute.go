package ddl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/catalog"
	"metadb/internal/plan"
)

// Execute makes the table as the delta says, in tx, and returns it as it is
// then: After, but for Guarded, which depends on the rows. The table may be
// published when tx is committed. Changes of type, which rewrite the table, are
// logged at INFO with their duration.
//
// How long it waits for locks is the transaction's lock_timeout. An error of
// PostgreSQL is wrapped with its detail, such as the view that keeps a column
// from changing its type.
func Execute(ctx context.Context, tx pgx.Tx, d plan.Delta, log *slog.Logger) (*catalog.Table, error) {
	if d.Empty() {
		return d.After, nil
	}
	x := &execution{tx: tx, delta: d, table: d.After.Clone(), log: log}
	run := x.change
	if d.Before == nil {
		run = x.create
	}
	if err := run(ctx); err != nil {
		return nil, &ChangeError{Delta: d, err: explain(err)}
	}
	return x.table, nil
}

// execution is one delta on its way.
type execution struct {
	tx    pgx.Tx
	delta plan.Delta
	// table is what Execute returns.
	table *catalog.Table
	log   *slog.Logger
}

// change brings an existing table to what it should be.
func (x *execution) change(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		x.alterColumns, x.changeKey, x.indexColumns, x.addYears, x.register,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// addYears makes the partitions of the years that Before does not have.
func (x *execution) addYears(ctx context.Context) error {
	var missing []int
	for _, year := range x.table.Years {
		if !x.delta.Before.HasYear(year) {
			missing = append(missing, year)
		}
	}
	return makeYears(ctx, x.tx, x.table, missing)
}

// explain adds PostgreSQL's detail, which names what is in the way, to the
// message of its error.
func explain(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Detail != "" {
		return fmt.Errorf("%w: %s", err, pg.Detail)
	}
	return err
}
