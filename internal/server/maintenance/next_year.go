package maintenance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/ddl"
	"metadb/internal/target/metaschema"
)

const (
	// nextYearInterval is the time between two looks at the coming year.
	nextYearInterval = 6 * time.Hour
	// nextYearRetry is the time to the next run after the database could not be used.
	nextYearRetry = time.Minute
)

// NextYear returns the job that creates the history partitions of the coming year, so that no stream
// has to create them on New Year's Eve.
func NextYear(d *Database) Job {
	return Job{Name: "next_year", Every: nextYearInterval, Retry: nextYearRetry, Run: once(func(ctx context.Context) error {
		year := time.Now().UTC().Year() + 1
		return errors.Join(metaschema.EnsureLogYear(ctx, d.Pool, year), d.MakeYear(ctx, year))
	})}
}

// MakeYear creates the history partitions of a year. The catalog in memory contains them after it is read again:
// ddl.EnsureYears checks the database first. The error is one that concerns all tables; errors of
// single tables are logged.
func (d *Database) MakeYear(ctx context.Context, year int) error {
	for t := range d.Store.Snapshot().All() {
		if t.HasYear(year) || t.Fault != nil {
			continue
		}
		err := d.makePartition(ctx, t, year)
		if err == nil {
			continue
		}
		err = fmt.Errorf("make history of %d for table %s: %w", year, t.Name, dbsession.PoolError(d.Config, err))
		if dbsession.IsUnusable(err) {
			return err
		}
		d.Logger.Warn(err.Error())
	}
	return nil
}

// makePartition creates one partition, unless readers hold locks. No batch is applied and no access
// granted meanwhile: PostgreSQL fails one of two concurrent changes of a table's catalog entry
// ("tuple concurrently updated").
func (d *Database) makePartition(ctx context.Context, t *catalog.Table, year int) error {
	return d.Exclusively(func() error {
		return pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '500ms'"); err != nil {
				return err
			}
			_, err := ddl.EnsureYears(ctx, tx, t, []int{year})
			return err
		})
	})
}
