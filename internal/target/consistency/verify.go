package consistency

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Finding is one kind of inconsistency in a table, with its count and some keys or names.
type Finding struct {
	Table, Check string
	Count        int64
	Examples     string
}

// DB begins transactions.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Report has functions that are called while tables are verified.
type Report struct {
	// Progress gets the number of verified tables. Nil shows no progress.
	Progress func(done, total int)
	// Unverified gets the error of PostgreSQL that kept a table from being verified; the other
	// tables are verified nevertheless. If Unverified is nil, the error ends the verification, as
	// any other error does.
	Unverified func(table string, err error)
}

// lockTimeout bounds the wait of a check for a locked table.
const lockTimeout = "10s"

// Verify runs all checks and returns their findings.
func Verify(ctx context.Context, db DB, report Report) ([]Finding, error) {
	v := &verifier{db: db}
	tables, err := v.loadTables(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.checkSystemTables(ctx); err != nil {
		return nil, err
	}
	for i, t := range tables {
		if report.Progress != nil {
			report.Progress(i, len(tables))
		}
		if err := v.checkTable(ctx, t, tables); err != nil {
			var refused *pgconn.PgError
			if ctx.Err() != nil || !errors.As(err, &refused) || report.Unverified == nil {
				return nil, fmt.Errorf("verify table %s: %w", t.displayName(), err)
			}
			report.Unverified(t.displayName(), err)
		}
	}
	return v.findings, nil
}

// verifier collects findings.
type verifier struct {
	db       DB
	findings []Finding
}

// checkTable runs the checks of one table. If partitions are missing, it skips the rows, so that one
// damage makes one finding.
func (v *verifier) checkTable(ctx context.Context, t *targetTable, all []*targetTable) error {
	whole, err := v.checkPartitions(ctx, t)
	if err != nil || !whole {
		return err
	}
	repeated, err := v.checkCurrentKeys(ctx, t)
	if err != nil {
		return err
	}
	for _, check := range []func(context.Context, *targetTable) error{v.checkYears, v.checkDefaults, v.checkCurrentFlags, v.checkPlacement, v.checkRangeOrder, v.checkOverlaps} {
		if err := check(ctx, t); err != nil {
			return err
		}
	}
	if err := v.checkIndexes(ctx, t, repeated); err != nil {
		return err
	}
	if t.transformed {
		return v.checkOrphans(ctx, t, all)
	}
	return v.checkDocuments(ctx, t, all)
}

// inReadOnlyTx runs a check in a read-only transaction. The planner must not rely on the bounds of
// partitions there, since a check looks for rows beyond them.
func (v *verifier) inReadOnlyTx(ctx context.Context, check func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, v.db, func(tx pgx.Tx) error {
		const settings = "SET TRANSACTION READ ONLY; SET LOCAL lock_timeout = '" + lockTimeout + "'; SET LOCAL constraint_exclusion = off; " +
			"SET LOCAL statement_timeout = 0; SET LOCAL search_path = pg_catalog"
		if _, err := tx.Exec(ctx, settings); err != nil {
			return err
		}
		return check(tx)
	})
}

// runCheck runs a query that returns a count and examples, and adds a finding unless the count is 0.
func (v *verifier) runCheck(ctx context.Context, table, check, sql string, args ...any) (int64, error) {
	var count int64
	var examples *string
	err := v.inReadOnlyTx(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(&count, &examples) })
	if err != nil {
		return 0, fmt.Errorf("look for %s: %w", check, err)
	}
	if count > 0 {
		f := Finding{Table: table, Check: check, Count: count}
		if examples != nil {
			f.Examples = *examples
		}
		v.findings = append(v.findings, f)
	}
	return count, nil
}

// maxExamples is the number of keys or names in a finding.
const maxExamples = "3"

// countingSQL returns a query that counts the rows of another one and shows some, by its text column
// example.
func countingSQL(rows string) string {
	return "WITH bad AS (" + rows + ") SELECT count(*), (SELECT string_agg(example, ' ') FROM (SELECT example FROM bad LIMIT " + maxExamples +
		") AS shown) FROM bad"
}
