package resync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/plan"
)

// codeFeatureNotSupported is the SQLSTATE of a column whose type can't change because a view
// has it: feature_not_supported.
const codeFeatureNotSupported = "0A000"

// canonicalUUIDPattern matches what PostgreSQL prints of a uuid, and nothing else: a
// text that equals its own cast.
const canonicalUUIDPattern = "'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'"

// sampleRows is how many rows are looked at first: most text columns are ruled out
// by them.
const sampleRows = 1000

// InferOptions says what [InferTypes] looks at.
type InferOptions struct {
	// Source is the data source; empty for all of them.
	Source string
	// Logger gets every change with its duration, and what stands in its way.
	Logger *slog.Logger
	// LockTimeout is how long a lock is waited for at a time; 0 for 5 seconds.
	LockTimeout time.Duration
	// Exclusively does something while no batch is applied. Nil says that no
	// stream is running.
	Exclusively func(do func() error) error
}

// InferTypes makes the text columns uuid whose values, history included, are all
// UUIDs in canonical form (docs/spec/02-types.md#inferred-types), with an index. Columns without any value
// stay. A column that a view keeps from changing stays too, with a warning.
//
// It rewrites the tables, one transaction for each, and publishes them in the
// store, which must be what the database has. Streams that are running use the
// same store, and are kept out while a table is rewritten.
func InferTypes(ctx context.Context, db *pgx.Conn, store *catalog.Store, o InferOptions) error {
	if o.Exclusively == nil {
		o.Exclusively = func(do func() error) error { return do() }
	}
	for t := range store.Snapshot().All() {
		if o.Source != "" && t.Source != o.Source || t.Fault != nil {
			continue
		}
		if err := inferTable(ctx, db, store, t, o); err != nil {
			return err
		}
	}
	return nil
}

// inferTable changes the columns of one table: all at once, or, where that does
// not go, one by one.
func inferTable(ctx context.Context, db *pgx.Conn, store *catalog.Store, t *catalog.Table, o InferOptions) error {
	columns := textColumns(t)
	columns, err := uuidOnlyColumns(ctx, db, t, columns, fmt.Sprintf("(SELECT * FROM %s LIMIT %d) t", t.Main.SQL(), sampleRows), true)
	if err != nil || len(columns) == 0 {
		return err
	}
	// All rows are looked at before anybody has to wait for it.
	if columns, err = uuidOnlyColumns(ctx, db, t, columns, t.Main.SQL()+" t", false); err != nil || len(columns) == 0 {
		return err
	}
	rewrite := func(columns []int) error {
		return o.Exclusively(func() error { return convertToUUID(ctx, db, store, t, columns, o) })
	}
	err = rewrite(columns)
	if !isColumnInUse(err) {
		return err
	}
	for _, column := range columns {
		err := rewrite([]int{column})
		if isColumnInUse(err) {
			o.Logger.Warn(fmt.Sprintf("table %s: column %s has UUIDs only and stays text: %v", t.Name, t.Columns[column].Name, err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isColumnInUse tells that something else keeps a column's type.
func isColumnInUse(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == codeFeatureNotSupported
}

// textColumns returns the indexes of the text columns.
func textColumns(t *catalog.Table) []int {
	var columns []int
	for i, c := range t.Columns {
		if c.Type == change.Text {
			columns = append(columns, i)
		}
	}
	return columns
}

// convertToUUID looks at all rows, which nobody may change meanwhile, and changes the
// columns that have UUIDs only. The columns are those of seen, which a stream may
// have changed since.
func convertToUUID(ctx context.Context, db *pgx.Conn, store *catalog.Store, seen *catalog.Table, columns []int, o InferOptions) error {
	t := store.Snapshot().Table(seen.Name)
	if t == nil {
		return nil
	}
	columns = remainingTextColumns(t, seen, columns)
	after := t
	err := retryTransaction(ctx, db, o.LockTimeout, fmt.Sprintf("infer types of table %s", t.Name), []ident.Qualified{t.Main}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE "+t.Main.SQL()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		found, err := uuidOnlyColumns(ctx, tx, t, columns, t.Main.SQL()+" t", false)
		if err != nil || len(found) == 0 {
			return err
		}
		after, err = ddl.Execute(ctx, tx, uuidDelta(t, found), o.Logger)
		return err
	})
	if err == nil && after != t {
		store.Publish(after)
	}
	return err
}

// remainingTextColumns returns where the columns of seen are in t, as far as they are text.
func remainingTextColumns(t, seen *catalog.Table, columns []int) []int {
	var still []int
	for _, column := range columns {
		at := t.Column(seen.Columns[column].Name)
		if at >= 0 && t.Columns[at].Type == change.Text {
			still = append(still, at)
		}
	}
	return still
}

// uuidDelta returns the change of the columns to uuid.
func uuidDelta(t *catalog.Table, columns []int) plan.Delta {
	d := plan.Delta{Before: t, After: t.Clone()}
	for _, column := range columns {
		d.After.Columns[column].Type = change.UUID
		d.Steps = append(d.Steps, plan.TypeStep{Column: column, From: change.Text, To: change.UUID})
	}
	return d
}

// uuidOnlyColumns returns those of the columns whose values in from, an item of FROM
// named t, are all canonical UUIDs; empty says whether no value at all will do.
func uuidOnlyColumns(ctx context.Context, db Querier, t *catalog.Table, columns []int, from string, empty bool) ([]int, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	tests := make([]string, len(columns))
	for i, column := range columns {
		tests[i] = "bool_and(t." + t.Columns[column].Stored.SQL() + " ~ " + canonicalUUIDPattern + ")"
	}
	rows, err := db.Query(ctx, "SELECT ARRAY["+strings.Join(tests, ", ")+"] FROM "+from)
	if err != nil {
		return nil, fmt.Errorf("look for UUIDs in table %s: %w", t.Name, err)
	}
	answers, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]*bool])
	if err != nil {
		return nil, fmt.Errorf("look for UUIDs in table %s: %w", t.Name, err)
	}
	var found []int
	for i, all := range answers {
		if all == nil && empty || all != nil && *all {
			found = append(found, columns[i])
		}
	}
	return found, nil
}
