package server

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// reloadCatalog reads the catalog again. No batch is being applied meanwhile.
func (t *sharedCatalog) reloadCatalog(ctx context.Context, pool *pgxpool.Pool) error {
	t.use.Lock()
	defer t.use.Unlock()
	if err := t.store.Load(ctx, pool); err != nil {
		return fmt.Errorf("read the tables: %w", err)
	}
	t.invalidated = false
	return nil
}

// beginUse keeps the tables from changing until use is unlocked for reading. If
// there is doubt about them they are read first.
func (t *sharedCatalog) beginUse(ctx context.Context, pool *pgxpool.Pool) error {
	for {
		t.use.RLock()
		if !t.invalidated {
			return nil
		}
		t.use.RUnlock()
		if err := t.reloadCatalog(ctx, pool); err != nil {
			return err
		}
	}
}

// invalidateCatalog has the tables read before the next batch.
func (t *sharedCatalog) invalidateCatalog() {
	t.use.Lock()
	defer t.use.Unlock()
	t.invalidated = true
}
