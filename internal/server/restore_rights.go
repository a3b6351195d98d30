package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/access"
	"metadb/internal/ident"
	"metadb/internal/target/dbsession"
)

// rightsInterval is the time between two checks for missing rights, on tables and functions that
// were created, or created anew, after the grant.
const rightsInterval = 15 * time.Second

// connectSuperuser connects as the superuser.
func (s *supervisor) connectSuperuser(ctx context.Context) (*pgx.Conn, error) {
	return dbsession.ConnectRole(ctx, s.config, s.config.Superuser)
}

// restoreRights restores granted rights that are missing, until ctx ends. Failures are logged and
// retried.
func (s *supervisor) restoreRights(ctx context.Context) error {
	tick := time.NewTicker(rightsInterval)
	defer tick.Stop()
	keeper, said := newRightsRestorer(s), ""
	err := s.warnRefusedGrants(ctx)
	for {
		if err == nil {
			err = keeper.restoreMissing(ctx, time.Now())
		}
		if err != nil {
			err = fmt.Errorf("give granted access: %w", dbsession.PoolError(s.config, err))
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
	// rightsLockTimeout bounds a wait for a user's lock. No stream waits meanwhile.
	rightsLockTimeout = "500ms"
	// maxRightsPause is the longest pause for a user's object after failures in a row.
	maxRightsPause = 10 * time.Minute
	// rightsPerTransaction bounds the rights of one transaction, because batches wait for it.
	rightsPerTransaction = 100
)

// rightsRestorer restores missing rights: on Metadb's tables many in one transaction, on users'
// objects one in each. So an owner with a lock on an object delays neither other users' rights
// nor batches.
type rightsRestorer struct {
	*supervisor
	// failed contains users' objects with a right that could not be restored, by name.
	failed map[string]rightsFailure
}

// rightsFailure is the time of an object's next try, and the pause after it.
type rightsFailure struct {
	next  time.Time
	pause time.Duration
}

func newRightsRestorer(s *supervisor) *rightsRestorer {
	return &rightsRestorer{supervisor: s, failed: make(map[string]rightsFailure)}
}

// restoreMissing restores the rights that are missing and due. Rights that were restored before
// an error stay.
func (k *rightsRestorer) restoreMissing(ctx context.Context, now time.Time) error {
	missing, err := access.Missing(ctx, k.pool)
	if err != nil {
		return err
	}
	var failed error
	for _, rights := range splitRights(k.dueRights(missing, now)) {
		db := access.Database{
			Roles: protectedRoles(k.config), Own: k.pool, Administrator: k.connectSuperuser, Exclusively: k.tables.withoutBatches, LockTimeout: rightsLockTimeout,
		}
		err := db.Do(ctx, func(session *access.Session) error { return session.Restore(ctx, rights) })
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return err
		case !rights[0].Own:
			k.postponeObject(objectName(rights[0]), now)
		}
		failed = cmp.Or(failed, fmt.Errorf("%s: %w", objectName(rights[0]), err))
	}
	return failed
}

// dueRights returns the rights to be tried now. It removes the failures of objects without
// missing rights.
func (k *rightsRestorer) dueRights(missing []access.Right, now time.Time) []access.Right {
	still := make(map[string]rightsFailure)
	var due []access.Right
	for _, right := range missing {
		name := objectName(right)
		failure, failed := k.failed[name]
		if failed {
			still[name] = failure
		}
		if !failed || !now.Before(failure.next) {
			due = append(due, right)
		}
	}
	k.failed = still
	return due
}

// postponeObject doubles the pause before an object's next try.
func (k *rightsRestorer) postponeObject(name string, now time.Time) {
	pause := max(k.failed[name].pause, rightsInterval)
	k.failed[name] = rightsFailure{next: now.Add(pause), pause: min(2*pause, maxRightsPause)}
}

// objectName returns the object of a right, as SQL.
func objectName(right access.Right) string {
	if right.Function != "" {
		return right.Function
	}
	return ident.Qualified{Schema: right.Schema, Name: right.Relation}.SQL()
}

// splitRights returns the rights grouped by transaction.
func splitRights(rights []access.Right) [][]access.Right {
	var pieces [][]access.Right
	var own []access.Right
	for _, right := range rights {
		if right.Own && (right.Usage || right.OwnSchema) {
			own = append(own, right)
		} else {
			pieces = append(pieces, []access.Right{right})
		}
	}
	return append(slices.Collect(slices.Chunk(own, rightsPerTransaction)), pieces...)
}

// warnRefusedGrants logs the grants that are not restored, because their object belongs neither
// to Metadb nor to a registered user.
func (s *supervisor) warnRefusedGrants(ctx context.Context) error {
	refused, err := access.RefusedGrants(ctx, s.pool)
	for _, grant := range refused {
		s.logger.Warn(fmt.Sprintf("access on %s is granted to %q, but can't be; what was given before stays until it is taken back: %s", grant, grant.User, grant.Revocation()))
	}
	return err
}
