package server

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// reload reads the catalog again. No batch is being applied meanwhile.
func (t *tables) reload(ctx context.Context, pool *pgxpool.Pool) error {
	t.use.Lock()
	defer t.use.Unlock()
	if err := t.store.Load(ctx, pool); err != nil {
		return fmt.Errorf("read the tables: %w", err)
	}
	t.doubtful = false
	return nil
}

// beginUse keeps the tables from changing until use is unlocked for reading. If
// there is doubt about them they are read first.
func (t *tables) beginUse(ctx context.Context, pool *pgxpool.Pool) error {
	for {
		t.use.RLock()
		if !t.doubtful {
			return nil
		}
		t.use.RUnlock()
		if err := t.reload(ctx, pool); err != nil {
			return err
		}
	}
}

// doubt has the tables read before the next batch.
func (t *tables) doubt() {
	t.use.Lock()
	defer t.use.Unlock()
	t.doubtful = true
}
