package server

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/access"
)

// rightsInterval is how soon what was granted holds for a table or function that
// was made anew, or came later.
const rightsInterval = 15 * time.Second

// super connects as the superuser.
func (s *streams) super(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, s.config, s.config.Superuser)
}

// keepRights gives what was granted and is missing, until ctx ends. That it fails
// is no reason to stop: it is tried again the next time.
func (s *streams) keepRights(ctx context.Context) error {
	tick := time.NewTicker(rightsInterval)
	defer tick.Stop()
	said := ""
	for {
		err := s.restoreRights(ctx)
		if err != nil {
			err = fmt.Errorf("give granted access: %w", explainPool(s.config, err))
		}
		said = s.warnOnce(ctx, said, err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// restoreRights looks for missing rights as the system user, and connects as the
// superuser only where there are some.
func (s *streams) restoreRights(ctx context.Context) error {
	missing, err := access.Missing(ctx, s.pool)
	if err != nil || len(missing) == 0 {
		return err
	}
	conn, err := s.super(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// A GRANT and an ALTER TABLE at once would make one of them fail.
	return s.tables.exclusively(func() error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return access.Restore(ctx, tx, missing) })
	})
}
