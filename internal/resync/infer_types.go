package resync

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/pgcode"
	"metadb/internal/target/plan"
)

// sampleRows is the number of rows that are checked first; they rule out most text columns.
const sampleRows = 1000

// InferOptions are the options of [InferTypes].
type InferOptions struct {
	// Source is the data source; empty for all of them.
	Source string
	// Logger gets every change with its duration, and every column that can't change.
	Logger *slog.Logger
	// LockTimeout limits one wait for a lock; 0 means 5 seconds.
	LockTimeout time.Duration
	// Exclusively calls a function while no batch is applied; nil if no stream is running.
	Exclusively func(do func() error) error
}

// InferTypes changes text columns to uuid if all their values, history included, are UUIDs in
// canonical form (docs/spec/02-types.md#inferred-types), and adds an index. Columns without a
// value stay text. A column that a view uses stays text too, with a warning.
//
// It rewrites the tables, one transaction for each, and publishes them in the store, which must
// be equal to the database. Running streams use the same store, and do not apply while a table
// is rewritten.
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

// inferTable changes the columns of one table: all at once, or one by one if a view uses one of
// them.
func inferTable(ctx context.Context, db *pgx.Conn, store *catalog.Store, t *catalog.Table, o InferOptions) error {
	columns := textColumns(t)
	columns, err := uuidOnlyColumns(ctx, db, t, columns, fmt.Sprintf("(SELECT * FROM %s LIMIT %d) t", t.Main.SQL(), sampleRows), true)
	if err != nil || len(columns) == 0 {
		return err
	}
	// The scan of all rows precedes the lock, so that a table without such columns is not
	// locked.
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

// isColumnInUse reports whether PostgreSQL refused a change of type because a view uses the
// column.
func isColumnInUse(err error) bool {
	return pgcode.Is(err, pgcode.FeatureNotSupported)
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

// convertToUUID scans all rows under a lock against changes, and changes the columns that have
// UUIDs only. The columns are indexes of seen, which a stream may have changed since.
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

// remainingTextColumns returns the indexes in t of the columns of seen that are still text.
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

// uuidOnlyColumns returns the columns in which all values are canonical UUIDs. The rows are
// those of from, an item of FROM with the alias t. Columns without a value are included if
// empty is set.
func uuidOnlyColumns(ctx context.Context, db Querier, t *catalog.Table, columns []int, from string, empty bool) ([]int, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	tests := make([]string, len(columns))
	for i, column := range columns {
		tests[i] = "bool_and(t." + t.Columns[column].Stored.SQL() + " ~ '" + datatype.CanonicalUUIDPattern + "')"
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
