package server

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

// maintainInterval is the time between two runs of the maintenance.
const maintainInterval = 6 * time.Hour

// maintainAgain is the time to the next run after the database could not be used.
const maintainAgain = time.Minute

// runMaintenance carries out periodic work, and ANALYZE on request, until ctx ends. Failures are
// logged; periodic work is retried at the next run.
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

// analyzeTables runs ANALYZE on a source's main tables, because autovacuum does not analyze
// partitioned tables.
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

// makeNextYear creates the history partitions of the coming year, so that no stream has to create
// them on New Year's Eve. The catalog in memory contains them after it is read again:
// ddl.EnsureYears checks the database first. The error is one that concerns all tables; errors of
// single tables are logged.
func (s *supervisor) makeNextYear(ctx context.Context, year int) error {
	for t := range s.tables.store.Snapshot().All() {
		if t.HasYear(year) || t.Fault != nil {
			continue
		}
		err := s.makeYear(ctx, t, year)
		if err == nil {
			continue
		}
		err = fmt.Errorf("make history of %d for table %s: %w", year, t.Name, dbsession.PoolError(s.config, err))
		if dbsession.IsUnusable(err) {
			return err
		}
		s.logger.Warn(err.Error())
	}
	return nil
}

// warnOnce logs an error unless it equals the last one, said. It returns the new last one, ""
// without an error.
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

// makeYear creates one partition, unless readers hold locks. No batch is applied and no access
// granted meanwhile: PostgreSQL fails one of two concurrent changes of a table's catalog entry
// ("tuple concurrently updated").
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
