package ddl

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
)

// EnsureYears makes the history partitions of the years (UTC) that the table
// lacks, in tx, and returns the table with them: t itself if it lacks none.
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
	if err := makeYears(ctx, tx, after, missing); err != nil {
		return nil, fmt.Errorf("make years of history for table %s: %w", t.Name, explain(err))
	}
	return after, nil
}

// makeYears makes partitions of the table's history. Another transaction may
// have made some of them since the table was read (next year's are made ahead
// of time): under the lock only those are made that the database does not have.
func makeYears(ctx context.Context, tx pgx.Tx, t *catalog.Table, years []int) error {
	if len(years) == 0 {
		return nil
	}
	if err := lock(ctx, tx, t.History.SQL()); err != nil {
		return err
	}
	lz4, err := hasLZ4(ctx, tx)
	if err != nil {
		return err
	}
	for _, year := range years {
		var exists bool
		err := tx.QueryRow(ctx, "SELECT pg_catalog.to_regclass($1) IS NOT NULL", t.Year(year).SQL()).Scan(&exists)
		if err != nil {
			return fmt.Errorf("look for year %d: %w", year, err)
		}
		if exists {
			continue
		}
		b := &builder{table: t, lz4: lz4}
		b.createYear(year)
		if err := b.run(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// createYear makes one partition of the history, with the indexes that the
// history has: attaching takes them as parts of those.
func (b *builder) createYear(year int) {
	relation := b.table.Year(year)
	b.createPart(relation, "")
	for _, ix := range indexed(b.table) {
		b.createIndex(relation, ix.column)
	}
	b.add("ALTER TABLE ", b.table.History.SQL(), " ATTACH PARTITION ", relation.SQL(),
		" FOR VALUES FROM (", newYear(year), ") TO (", newYear(year+1), ")")
}

// newYear returns the constant for the first moment of a year, UTC.
func newYear(year int) string { return "'" + strconv.Itoa(year) + "-01-01 00:00:00+00'" }
