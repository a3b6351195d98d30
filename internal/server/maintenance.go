package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/metaschema"
)

// maintainInterval is how often tables are looked over.
const maintainInterval = 6 * time.Hour

// maintainAgain is how soon they are again where the database kept from it.
const maintainAgain = time.Minute

// runMaintenance does what goes by the clock until ctx ends. That any of it fails is
// no reason to stop: it is tried again the next time.
func (s *supervisor) runMaintenance(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case name := <-s.analyze:
			s.analyzeTables(ctx, name)
		case now := <-timer.C:
			next := maintainInterval
			year := now.UTC().Year() + 1
			err := errors.Join(metaschema.EnsureLogYear(ctx, s.pool, year), s.makeNextYear(ctx, year))
			if err != nil && ctx.Err() == nil {
				next = maintainAgain
			}
			said = s.warnOnce(ctx, said, errors.Join(err, s.pruneLog(ctx)))
			timer.Reset(next)
		}
	}
}

// analyzeTables gathers statistics of a source's main tables, which autovacuum
// never does for partitioned tables.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
func (s *supervisor) analyzeTables(ctx context.Context, source string) {
	for t := range s.tables.store.Snapshot().All() {
		if t.Source != source || t.Fault != nil {
			continue
		}
		if _, err := s.pool.Exec(ctx, "ANALYZE "+t.Main.SQL()); err != nil && ctx.Err() == nil {
			s.logger.Warn(fmt.Sprintf("analyze table %s: %v", t.Main, err))
		}
	}
}

// makeNextYear makes the partitions of history that the coming year needs, so
// that no stream has to on New Year's Eve. The catalog in memory learns of them
// when it is read again: who makes a partition looks first. The error is one that
// no table is to blame for; those of tables are in the log.
func (s *supervisor) makeNextYear(ctx context.Context, year int) error {
	for t := range s.tables.store.Snapshot().All() {
		if t.HasYear(year) || t.Fault != nil {
			continue
		}
		err := s.makeYear(ctx, t, year)
		if err == nil {
			continue
		}
		err = fmt.Errorf("make history of %d for table %s: %w", year, t.Name, poolError(s.config, err))
		if isDatabaseUnusable(err) {
			return err
		}
		s.logger.Warn(err.Error())
	}
	return nil
}

// warnOnce logs an error unless it is what was said last. It returns what to
// remember as said: nothing, where there is no error.
func (s *supervisor) warnOnce(ctx context.Context, said string, err error) string {
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil || err.Error() == said:
		return said
	}
	s.logger.Warn(err.Error())
	return err.Error()
}

// makeYear makes one partition, unless readers are in the way. No batch is applied
// meanwhile, and no access granted: of two changes of a table's entry in the catalog at once
// PostgreSQL lets one fail ("tuple concurrently updated").
func (s *supervisor) makeYear(ctx context.Context, t *catalog.Table, year int) error {
	return s.tables.withoutBatches(func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '500ms'"); err != nil {
				return err
			}
			_, err := ddl.EnsureYears(ctx, tx, t, []int{year})
			return err
		})
	})
}
