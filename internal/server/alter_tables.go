package server

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/tables"
	"metadb/internal/backoff"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/pgcode"
)

// AlterTable implements command.Tables.
func (s *supervisor) AlterTable(ctx context.Context, a tables.Alteration) (changed bool, err error) {
	var before, after *catalog.Table
	err = s.changeTables(ctx, func(tx pgx.Tx, snap *catalog.Snapshot) (err error) {
		before, after, err = tables.Alter(ctx, tx, snap, a, s.logger)
		return err
	}, func() {
		if after != before {
			s.tables.store.Publish(after)
		}
	})
	return after != before, err
}

// PurgeTables implements command.Tables. The next event of a purged table creates it again.
func (s *supervisor) PurgeTables(ctx context.Context, mains []ident.Qualified) (dropped tables.Dropped, err error) {
	err = s.changeTables(ctx, func(tx pgx.Tx, snap *catalog.Snapshot) (err error) {
		dropped, err = tables.Drop(ctx, tx, snap, mains)
		return err
	}, func() {
		s.tables.store.Forget(dropped.Tables...)
		// The catalog of remaining parents may list transformed tables that were dropped.
		s.tables.invalidated = true
	})
	return dropped, err
}

const (
	// changeLockTimeout bounds the wait for a lock while no batch is applied. It is longer than
	// PostgreSQL's deadlock_timeout, after which a conflicting autovacuum is canceled.
	changeLockTimeout = 1200 * time.Millisecond
	// changePause is the time in which batches are applied between two tries.
	changePause = time.Second
	// changePatience is the time after which a command stops trying to lock a table.
	changePatience = 10 * time.Second
)

// changeTables changes tables while no batch is applied, and publishes the result to the streams.
// If a lock can't be taken in time, it retries until changePatience has passed; batches are
// applied in between.
func (s *supervisor) changeTables(ctx context.Context, change func(pgx.Tx, *catalog.Snapshot) error, publish func()) error {
	if err := s.tables.reloadCatalog(ctx, s.pool); err != nil {
		return err
	}
	for began := time.Now(); ; {
		err := s.changeTablesOnce(ctx, change, publish)
		if !pgcode.IsLockTimeout(err) || time.Since(began) > changePatience {
			return err
		}
		if err := backoff.Sleep(ctx, changePause); err != nil {
			return err
		}
	}
}

func (s *supervisor) changeTablesOnce(ctx context.Context, change func(pgx.Tx, *catalog.Snapshot) error, publish func()) error {
	return s.tables.withoutBatches(func() error {
		tx, err := s.pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", changeLockTimeout.Milliseconds())); err != nil {
			return err
		}
		if err := change(tx, s.tables.store.Snapshot()); err != nil {
			return err
		}
		if err := tx.Commit(ctx); err != nil {
			// The transaction may have been committed.
			s.tables.invalidated = true
			return err
		}
		publish()
		return nil
	})
}
