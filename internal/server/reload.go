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
	return nil
}
