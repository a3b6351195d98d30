package resync_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/resync"
)

// TestEndsyncWaitsForATable has another session lock a table until all tries of the command
// have failed.
func TestEndsyncWaitsForATable(t *testing.T) {
	r := filled(t)
	tx, err := r.db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE library.patron IN ROW EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	o := resync.EndsyncOptions{Target: sensor, Force: true, LockTimeout: 20 * time.Millisecond}
	_, err = resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o)
	if err == nil || !strings.HasPrefix(err.Error(), "end the unconfirmed rows of table library.patron: somebody else has had a table locked for too long; run the command again") {
		t.Fatalf("got %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); err != nil {
		t.Fatal(err)
	}
	r.expect(ended("patron"), "0 1000 true\n1 1000 true")
}

// TestEndsyncOutlastsAutovacuum has another session hold the lock of an autovacuum for longer
// than the time after which PostgreSQL cancels an autovacuum, which is much longer than readers
// may be blocked.
func TestEndsyncOutlastsAutovacuum(t *testing.T) {
	for name, relation := range map[string]string{"rows": "library.patron", "confirmed rows": "library.zzz___patron___sync"} {
		t.Run(name, func(t *testing.T) {
			r := filled(t)
			tx, err := r.db.Pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "LOCK TABLE "+relation+" IN SHARE UPDATE EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				o := resync.EndsyncOptions{Target: sensor, Force: true, LockTimeout: 20 * time.Millisecond}
				_, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o)
				done <- err
			}()
			waited := keptWaiting(t, tx, done)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-done; !waited || err != nil {
				t.Fatalf("waited for deadlock_timeout: %v; %v", waited, err)
			}
			r.expect(ended("patron"), "0 1000 true\n1 1000 true")
		})
	}
}

// keptWaiting reports whether a session waits for a lock for longer than the time after which
// PostgreSQL cancels an autovacuum.
func keptWaiting(t *testing.T, db pgx.Tx, done chan error) bool {
	t.Helper()
	const sql = `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareUpdateExclusiveLock'
	 AND clock_timestamp() - waitstart > current_setting('deadlock_timeout')::interval AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		var waited bool
		if err := db.QueryRow(ctx, sql).Scan(&waited); err != nil {
			t.Fatal(err)
		}
		if waited || len(done) > 0 {
			return waited
		}
	}
}
