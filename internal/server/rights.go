package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/access"
	"metadb/internal/ident"
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
	keeper, said := newRightsKeeper(s), ""
	err := s.warnOfRefused(ctx)
	for {
		if err == nil {
			err = keeper.restore(ctx, time.Now())
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
	// rightsLongestPause is how long an object of a user's is left alone after failures in a row.
	rightsLongestPause = 10 * time.Minute
	// rightsAtOnce bounds how many rights are given in one transaction, for which batches
	// wait.
	rightsAtOnce = 100
)

// rightsKeeper gives missing rights: on Metadb's own tables many at once, on those of users each by
// itself. An owner who holds his object can keep nobody else from a right, and no batch from being
// applied.
type rightsKeeper struct {
	*streams
	// failed are objects of users whose rights could not be given, by their names.
	failed map[string]rightsFailure
}

// rightsFailure says when an object is tried again, and the pause after that.
type rightsFailure struct {
	next  time.Time
	pause time.Duration
}

func newRightsKeeper(s *streams) *rightsKeeper {
	return &rightsKeeper{streams: s, failed: make(map[string]rightsFailure)}
}

// restore gives the rights that are missing and due. What was given before an error stays.
func (k *rightsKeeper) restore(ctx context.Context, now time.Time) error {
	missing, err := access.Missing(ctx, k.pool)
	if err != nil {
		return err
	}
	var failed error
	for _, rights := range divide(k.due(missing, now)) {
		db := access.Database{
			Roles: roles(k.config), Own: k.pool, Administrator: k.super, Exclusively: k.tables.exclusively, LockTimeout: rightsLockTimeout,
		}
		err := db.Do(ctx, func(session *access.Session) error { return session.Restore(ctx, rights) })
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return err
		case !rights[0].Own:
			k.postpone(objectName(rights[0]), now)
		}
		failed = cmp.Or(failed, fmt.Errorf("%s: %w", objectName(rights[0]), err))
	}
	return failed
}

// due returns the rights on objects that are to be tried now. What is not missing any more
// has no failures.
func (k *rightsKeeper) due(missing []access.Right, now time.Time) []access.Right {
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

// postpone leaves an object alone for twice as long as the last time.
func (k *rightsKeeper) postpone(name string, now time.Time) {
	pause := max(k.failed[name].pause, rightsInterval)
	k.failed[name] = rightsFailure{next: now.Add(pause), pause: min(2*pause, rightsLongestPause)}
}

// objectName is what a right is on, as SQL.
func objectName(right access.Right) string {
	if right.Function != "" {
		return right.Function
	}
	return ident.Qualified{Schema: right.Schema, Name: right.Relation}.SQL()
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
	for _, grant := range refused {
		s.logger.Warn(fmt.Sprintf("access on %s is granted to %q, but can't be; what was given before stays until it is taken back: %s", grant, grant.User, grant.Revocation()))
	}
	return err
}
