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
)

// rightsInterval is how soon what was granted holds for a table or function that
// was made anew, or came later.
const rightsInterval = 15 * time.Second

// connectSuperuser connects as the superuser.
func (s *supervisor) connectSuperuser(ctx context.Context) (*pgx.Conn, error) {
	return connectRole(ctx, s.config, s.config.Superuser)
}

// restoreRights gives what was granted and is missing, until ctx ends. That it fails
// is no reason to stop: it is tried again the next time.
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
			err = fmt.Errorf("give granted access: %w", poolError(s.config, err))
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
	// maxRightsPause is how long an object of a user's is left alone after failures in a row.
	maxRightsPause = 10 * time.Minute
	// rightsPerTransaction bounds how many rights are given in one transaction, for which batches
	// wait.
	rightsPerTransaction = 100
)

// rightsRestorer gives missing rights: on Metadb's own tables many at once, on those of users each by
// itself. An owner who holds his object can keep nobody else from a right, and no batch from being
// applied.
type rightsRestorer struct {
	*supervisor
	// failed are objects of users whose rights could not be given, by their names.
	failed map[string]rightsFailure
}

// rightsFailure says when an object is tried again, and the pause after that.
type rightsFailure struct {
	next  time.Time
	pause time.Duration
}

func newRightsRestorer(s *supervisor) *rightsRestorer {
	return &rightsRestorer{supervisor: s, failed: make(map[string]rightsFailure)}
}

// restoreMissing gives the rights that are missing and due. What was given before an error stays.
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

// dueRights returns the rights on objects that are to be tried now. What is not missing any more
// has no failures.
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

// postponeObject leaves an object alone for twice as long as the last time.
func (k *rightsRestorer) postponeObject(name string, now time.Time) {
	pause := max(k.failed[name].pause, rightsInterval)
	k.failed[name] = rightsFailure{next: now.Add(pause), pause: min(2*pause, maxRightsPause)}
}

// objectName is what a right is on, as SQL.
func objectName(right access.Right) string {
	if right.Function != "" {
		return right.Function
	}
	return ident.Qualified{Schema: right.Schema, Name: right.Relation}.SQL()
}

// splitRights returns the rights in the pieces in which they are given.
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

// warnRefusedGrants says once which grants are not given because they are on what is neither
// Metadb's nor a registered user's.
func (s *supervisor) warnRefusedGrants(ctx context.Context) error {
	refused, err := access.RefusedGrants(ctx, s.pool)
	for _, grant := range refused {
		s.logger.Warn(fmt.Sprintf("access on %s is granted to %q, but can't be; what was given before stays until it is taken back: %s", grant, grant.User, grant.Revocation()))
	}
	return err
}
