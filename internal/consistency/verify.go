package consistency

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Finding is one inconsistency: how many there are of a kind in a table, with some
// keys or names.
type Finding struct {
	Table, Check string
	Count        int64
	Examples     string
}

// DB begins transactions.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Report is called while tables are verified.
type Report struct {
	// Progress gets how many of the tables are done. Nil shows nothing.
	Progress func(done, total int)
	// Unverified gets why a table could not be verified, and the others are. If it is
	// nil, that ends the verification.
	Unverified func(table string, err error)
}

// lockTimeout bounds how long a check waits for a table that somebody has locked.
const lockTimeout = "10s"

// Verify carries out all checks and returns what they find.
func Verify(ctx context.Context, db DB, report Report) ([]Finding, error) {
	v := &verification{db: db}
	tables, err := v.tables(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.system(ctx); err != nil {
		return nil, err
	}
	for i, t := range tables {
		if report.Progress != nil {
			report.Progress(i, len(tables))
		}
		if err := v.table(ctx, t, tables); err != nil {
			var refused *pgconn.PgError
			if ctx.Err() != nil || !errors.As(err, &refused) || report.Unverified == nil {
				return nil, fmt.Errorf("verify table %s: %w", t.shown(), err)
			}
			report.Unverified(t.shown(), err)
		}
	}
	return v.findings, nil
}

// verification collects findings.
type verification struct {
	db       DB
	findings []Finding
}

// table carries out the checks of one table. Where its partitions are not what
// they have to be, the rows are not looked at: one damage makes one finding.
func (v *verification) table(ctx context.Context, t *table, all []*table) error {
	whole, err := v.partitions(ctx, t)
	if err != nil || !whole {
		return err
	}
	repeated, err := v.currentKeys(ctx, t)
	if err != nil {
		return err
	}
	for _, check := range []func(context.Context, *table) error{v.years, v.defaults, v.ends, v.places, v.directions, v.overlaps} {
		if err := check(ctx, t); err != nil {
			return err
		}
	}
	if err := v.indexes(ctx, t, repeated); err != nil {
		return err
	}
	if t.transformed {
		return v.orphans(ctx, t, all)
	}
	return v.documents(ctx, t, all)
}

// reading runs a check in a read-only transaction. Partition bounds are not taken
// for granted by the planner there: whether rows keep to them is a check.
func (v *verification) reading(ctx context.Context, check func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, v.db, func(tx pgx.Tx) error {
		const settings = "SET TRANSACTION READ ONLY; SET LOCAL lock_timeout = '" + lockTimeout + "'; SET LOCAL constraint_exclusion = off; " +
			"SET LOCAL statement_timeout = 0; SET LOCAL search_path = pg_catalog"
		if _, err := tx.Exec(ctx, settings); err != nil {
			return err
		}
		return check(tx)
	})
}

// find runs a query that returns a count and examples, and makes a finding of what
// is not 0.
func (v *verification) find(ctx context.Context, table, check, sql string, args ...any) (int64, error) {
	var count int64
	var examples *string
	err := v.reading(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(&count, &examples) })
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

// exampleCount is how many keys or names a finding shows.
const exampleCount = "3"

// counted returns a query that counts the rows of another one and shows some, whose
// column example is text.
func counted(rows string) string {
	return "WITH bad AS (" + rows + ") SELECT count(*), (SELECT string_agg(example, ' ') FROM (SELECT example FROM bad LIMIT " + exampleCount +
		") AS shown) FROM bad"
}
