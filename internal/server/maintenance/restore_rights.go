package maintenance

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

// RightsInterval is the time between two checks for missing rights, on tables and functions that
// were created, or created anew, after the grant.
const RightsInterval = 15 * time.Second

// RestoreRights returns the job that restores granted rights that are missing. The first run also
// logs the grants that are not restored.
func RestoreRights(d *Database) Job {
	restorer, checked := NewRightsRestorer(d), false
	return Job{Name: "restore_rights", Every: RightsInterval, Run: once(func(ctx context.Context) error {
		var err error
		if !checked {
			checked, err = true, d.warnRefusedGrants(ctx)
		}
		if err == nil {
			err = restorer.RestoreMissing(ctx, time.Now())
		}
		if err != nil {
			return fmt.Errorf("give granted access: %w", dbsession.PoolError(d.Config, err))
		}
		return nil
	})}
}

// connectSuperuser connects as the superuser.
func (d *Database) connectSuperuser(ctx context.Context) (*pgx.Conn, error) {
	return dbsession.ConnectRole(ctx, d.Config, d.Config.Superuser)
}

const (
	// rightsLockTimeout bounds a wait for a user's lock. No stream waits meanwhile.
	rightsLockTimeout = "500ms"
	// maxRightsPause is the longest pause for a user's object after failures in a row.
	maxRightsPause = 10 * time.Minute
	// rightsPerTransaction bounds the rights of one transaction, because batches wait for it.
	rightsPerTransaction = 100
)

// RightsRestorer restores missing rights: on Metadb's tables many in one transaction, on users'
// objects one in each. So an owner with a lock on an object delays neither other users' rights
// nor batches.
type RightsRestorer struct {
	database *Database
	// failed contains users' objects with a right that could not be restored, by name.
	failed map[string]rightsFailure
}

// rightsFailure is the time of an object's next try, and the pause after it.
type rightsFailure struct {
	next  time.Time
	pause time.Duration
}

// NewRightsRestorer returns a restorer without failures.
func NewRightsRestorer(d *Database) *RightsRestorer {
	return &RightsRestorer{database: d, failed: make(map[string]rightsFailure)}
}

// RestoreMissing restores the rights that are missing and due. Rights that were restored before
// an error stay.
func (k *RightsRestorer) RestoreMissing(ctx context.Context, now time.Time) error {
	missing, err := access.Missing(ctx, k.database.Pool)
	if err != nil {
		return err
	}
	var failed error
	for _, rights := range splitRights(k.dueRights(missing, now)) {
		db := access.Database{
			Roles: k.database.roles(), Own: k.database.Pool, Administrator: k.database.connectSuperuser, Exclusively: k.database.Exclusively, LockTimeout: rightsLockTimeout,
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
func (k *RightsRestorer) dueRights(missing []access.Right, now time.Time) []access.Right {
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
func (k *RightsRestorer) postponeObject(name string, now time.Time) {
	pause := max(k.failed[name].pause, RightsInterval)
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
func (d *Database) warnRefusedGrants(ctx context.Context) error {
	refused, err := access.RefusedGrants(ctx, d.Pool)
	for _, grant := range refused {
		d.Logger.Warn(fmt.Sprintf("access on %s is granted to %q, but can't be; what was given before stays until it is taken back: %s", grant, grant.User, grant.Revocation()))
	}
	return err
}
