package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
	err := s.warnOfRefused(ctx)
	for {
		if err == nil {
			err = s.restoreRights(ctx)
		}
		if err != nil {
			err = fmt.Errorf("give granted access: %w", explainPool(s.config, err))
		}
		said = s.warnOnce(ctx, said, err)
		select {
		case <-tick.C:
			err = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// rightsLockTimeout bounds waiting for what a user holds. No stream waits meanwhile.
	rightsLockTimeout = "500ms"
	// rightsAtOnce bounds how many rights are given in one transaction, for which batches
	// wait.
	rightsAtOnce = 100
)

// restoreRights gives what is missing: on Metadb's own tables many at once, on those of users
// each by itself, for a user who holds one is no reason that others wait. What was given before an error stays.
func (s *streams) restoreRights(ctx context.Context) error {
	missing, err := access.Missing(ctx, s.pool)
	if err != nil {
		return err
	}
	var failed error
	for _, rights := range divide(missing) {
		db := access.Database{
			Roles: roles(s.config), Own: s.pool, Administrator: s.super, Exclusively: s.tables.exclusively, LockTimeout: rightsLockTimeout,
		}
		err := db.Do(ctx, func(session *access.Session) error { return session.Restore(ctx, rights) })
		if err != nil && ctx.Err() != nil {
			return err
		}
		failed = cmp.Or(failed, err)
	}
	return failed
}

// divide returns the rights in the pieces in which they are given.
func divide(rights []access.Right) [][]access.Right {
	var pieces [][]access.Right
	var own []access.Right
	for _, right := range rights {
		if right.Own && (right.Usage || right.OwnSchema) {
			own = append(own, right)
		} else {
			pieces = append(pieces, []access.Right{right})
		}
	}
	return append(slices.Collect(slices.Chunk(own, rightsAtOnce)), pieces...)
}

// warnOfRefused says once which grants are not given because they are on what is neither
// Metadb's nor a registered user's.
func (s *streams) warnOfRefused(ctx context.Context) error {
	refused, err := access.Refused(ctx, s.pool)
	for _, right := range refused {
		s.logger.Warn(fmt.Sprintf("access on %s is granted to %q, but can't be: take it back with revoke access, or have it belong to the system user or a registered user", right, right.User))
	}
	return err
}
