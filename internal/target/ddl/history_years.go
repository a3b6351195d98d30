package ddl

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
	"metadb/internal/target/pgcode"
)

// EnsureYears creates the history partitions of the years (UTC) that the table lacks, in tx, and
// returns the table with them: t itself if it lacks no year.
func EnsureYears(ctx context.Context, tx pgx.Tx, t *catalog.Table, years []int) (*catalog.Table, error) {
	missing := slices.DeleteFunc(slices.Clone(years), t.HasYear)
	if len(missing) == 0 {
		return t, nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	after := t.Clone()
	after.Years = append(after.Years, missing...)
	slices.Sort(after.Years)
	if err := createYears(ctx, tx, after, missing); err != nil {
		return nil, fmt.Errorf("make years of history for table %s: %w", t.Name, withDetail(err))
	}
	return after, nil
}

// createYears creates partitions of the table's history. Another transaction may have created some
// since the table was loaded (next year's are created ahead of time): under the lock, only missing
// ones are created. Where a partition that Metadb did not create holds a year, the year moves from
// the table's Years to its Elsewhere, since PostgreSQL routes its rows there.
func createYears(ctx context.Context, tx pgx.Tx, t *catalog.Table, years []int) error {
	if len(years) == 0 {
		return nil
	}
	if err := lockCreation(ctx, tx, t.History.SQL()); err != nil {
		return err
	}
	lz4, err := hasLZ4(ctx, tx)
	if err != nil {
		return err
	}
	for _, year := range years {
		var exists, attached bool
		err := tx.QueryRow(ctx, partitionExistsSQL, t.Year(year).SQL(), t.History.SQL()).Scan(&exists, &attached)
		switch {
		case err != nil:
			return fmt.Errorf("look for year %d: %w", year, err)
		case attached:
			continue
		case exists:
			return &catalog.Fault{Problem: catalog.Detached, Relation: t.Year(year), Parent: t.History}
		}
		err = pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
			b := &statementBuilder{table: t, lz4: lz4}
			b.createYear(year)
			return b.sendStatements(ctx, savepoint)
		})
		switch {
		case err == nil:
		case pgcode.Is(err, pgcode.InvalidObjectDefinition, pgcode.CheckViolation):
			// Other partitions overlap the range, or the default partition has rows of it.
			t.Years = slices.DeleteFunc(t.Years, func(y int) bool { return y == year })
			t.UnmanagedYears = append(t.UnmanagedYears, year)
		default:
			return err
		}
	}
	return nil
}

// partitionExistsSQL reads whether a relation exists, and whether it is a partition of another one.
const partitionExistsSQL = `
	SELECT pg_catalog.to_regclass($1) IS NOT NULL, EXISTS (SELECT FROM pg_catalog.pg_inherits AS i
		WHERE i.inhrelid = pg_catalog.to_regclass($1) AND i.inhparent = pg_catalog.to_regclass($2) AND NOT i.inhdetachpending)`

// createYear creates one partition of the history, with the history's indexes: attaching makes them
// parts of those.
func (b *statementBuilder) createYear(year int) {
	relation := b.table.Year(year)
	// The partition must also have the columns and constraints that others have added to the
	// history.
	b.addStatement("CREATE TABLE ", relation.SQL(), " (LIKE ", b.table.History.SQL(),
		" INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)")
	for _, ix := range wantedIndexes(b.table) {
		b.createIndex(relation, ix.column)
	}
	b.addStatement("ALTER TABLE ", b.table.History.SQL(), " ATTACH PARTITION ", relation.SQL(),
		" FOR VALUES FROM (", yearStartSQL(year), ") TO (", yearStartSQL(year+1), ")")
}

// yearStartSQL returns the constant for the first moment of a year, UTC.
func yearStartSQL(year int) string { return "'" + strconv.Itoa(year) + "-01-01 00:00:00+00'" }
