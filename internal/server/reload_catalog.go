package server

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// reloadCatalog reads the catalog from the database while no batch is applied.
func (t *sharedCatalog) reloadCatalog(ctx context.Context, pool *pgxpool.Pool) error {
	t.use.Lock()
	defer t.use.Unlock()
	if err := t.store.Load(ctx, pool); err != nil {
		return fmt.Errorf("read the tables: %w", err)
	}
	t.invalidated = false
	return nil
}

// beginUse takes the read lock use, which the caller releases; the catalog does not change
// meanwhile. It first reloads an invalidated catalog.
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

// invalidateCatalog requests a reload of the catalog before the next batch.
func (t *sharedCatalog) invalidateCatalog() {
	t.use.Lock()
	defer t.use.Unlock()
	t.invalidated = true
}
