package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/client"
	"metadb/internal/observe/logging"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/serverlock"
	"metadb/internal/testkit/pgtest"
)

// TestLockOfStranger checks that a role which may only connect can't stop the server by locks
// that are open to all, and can't take the locks that the server needs.
func TestLockOfStranger(t *testing.T) {
	i, feed := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, "create user "+i.db.Name+"_analyst with password 'x'")
	r.admin(t, "grant access on all to "+i.db.Name+"_analyst")
	config, err := pgx.ParseConfig(i.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	config.User = i.db.Name + "_analyst"
	analyst, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = analyst.Close(t.Context()) }()
	locks := []string{"SET lock_timeout = '5s'", fmt.Sprintf("SELECT pg_advisory_lock(%d)", serverlock.LegacyLock)}
	for _, name := range []string{"library", `"library"."zzz___patron___"`} {
		locks = append(locks, fmt.Sprintf("SELECT pg_advisory_lock(1296393282, hashtext('%s'))", name))
	}
	for _, sql := range locks {
		if _, err := analyst.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{
		"BEGIN; LOCK TABLE metadb.server_lock IN ACCESS SHARE MODE", "BEGIN; LOCK TABLE metadb.creation_lock IN ACCESS SHARE MODE", "SELECT FROM metadb.creation_lock FOR SHARE",
	} {
		if _, err := analyst.Exec(t.Context(), sql); err == nil || refusal(err).Code != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
		if _, err := analyst.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	// The server needs the locks at the next start, and to create a schema and years.
	r.stop(t)
	r = i.start(t)
	r.admin(t, feed.source())
	feed.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	r.stop(t)
}

// TestLockKeepsNothing checks that the lock, which the server holds as long as it runs, does not
// hold back VACUUM, and that the loss of the lock's session is noticed.
func TestLockKeepsNothing(t *testing.T) {
	i := install(t)
	i.start(t).stop(t)
	config, err := instanceConfig(i.dir)
	if err != nil {
		t.Fatal(err)
	}
	o, err := serverlock.Acquire(t.Context(), config, slog.New(logging.NewHandler(&buffer{}, slog.LevelInfo)))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close(t.Context())
	if err := o.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	var behind bool
	const question = "SELECT backend_xmin IS NOT NULL OR backend_xid IS NOT NULL FROM pg_stat_activity WHERE pid = $1"
	pid := o.Conn.PgConn().PID()
	if err := i.db.Pool.QueryRow(t.Context(), question, pid).Scan(&behind); err != nil || behind {
		t.Errorf("it holds VACUUM back: %t, %v", behind, err)
	}
	if _, err := i.db.Pool.Exec(t.Context(), "VACUUM"); err != nil {
		t.Error(err)
	}
	back := 0
	o.OnFailover = func() { back++ }
	if _, err := o.Conn.Exec(t.Context(), "SELECT 1 / 0"); err == nil {
		t.Fatal("no error")
	}
	if err := o.Check(t.Context()); err == nil || o.Conn != nil {
		t.Errorf("the lost lock was not noticed: %v", err)
	}
	if err := o.Check(t.Context()); err != nil || back != 1 || !serverlock.HoldsLock(o.Conn) {
		t.Errorf("it was not taken again: %v, %d", err, back)
	}
}

// TestLockOfOlderProgram checks that a server of a version with only the advisory lock excludes a
// newer one, and that its address is shown.
func TestLockOfOlderProgram(t *testing.T) {
	i := install(t)
	i.start(t).stop(t)
	config, err := instanceConfig(i.dir)
	if err != nil {
		t.Fatal(err)
	}
	older, err := dbsession.ConnectRole(t.Context(), config, config.SystemUser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = older.Close(t.Context()) }()
	if _, err := older.Exec(t.Context(), "SELECT pg_advisory_lock($1)", serverlock.LegacyLock); err != nil {
		t.Fatal(err)
	}
	conn, err := dbsession.ConnectRole(t.Context(), config, config.SystemUser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if taken, err := serverlock.TryLock(t.Context(), conn); err != nil || taken {
		t.Errorf("taken: %t, %v", taken, err)
	}
	if got := serverlock.LockHolderAddress(t.Context(), conn); got != ", connected from 127.0.0.1" {
		t.Errorf("holder: %q", got)
	}
	if err := older.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// The system user may not see the address of another role's session.
	stranger := i.session(t, pgtest.Superuser)
	if _, err := stranger.Exec(t.Context(), "BEGIN; LOCK TABLE metadb.server_lock IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	if taken, err := serverlock.TryLock(t.Context(), conn); err != nil || taken {
		t.Errorf("taken: %t, %v", taken, err)
	}
	want := fmt.Sprintf(", or rather session %d of role %q has its lock: end that session", stranger.PgConn().PID(), pgtest.Superuser)
	if got := serverlock.LockHolderAddress(t.Context(), conn); got != want {
		t.Errorf("holder: %q", got)
	}
}

// TestLockBeforeUpgrade checks a database before the upgrade to the lock that needs a right.
// Another role that has the old lock, or reads metadb.init in an open transaction, stops neither
// the upgrade nor the first start. An older server does, and so does another upgrade.
func TestLockBeforeUpgrade(t *testing.T) {
	i := install(t)
	stranger := i.db.Name + "_stranger"
	i.exec(t, "CREATE ROLE "+stranger+" LOGIN")
	t.Cleanup(func() {
		if _, err := i.db.Pool.Exec(context.Background(), "DROP OWNED BY "+stranger+"; DROP ROLE "+stranger); err != nil {
			t.Error(err)
		}
	})
	held := i.session(t, stranger)
	takeLegacy := func(conn *pgx.Conn) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", serverlock.LegacyLock); err != nil {
			t.Fatal(err)
		}
	}
	takeLegacy(held)
	i.start(t).stop(t) // starts in an empty database

	// Restore the state before the lock; internal/testkit/versions upgrades real databases.
	i.exec(t, "DROP VIEW metadb.server_lock", "GRANT USAGE ON SCHEMA metadb TO "+stranger, "GRANT SELECT ON metadb.init TO "+stranger)
	yes := func(int, int) (bool, error) { return true, nil }
	refused := func(what, from string) {
		t.Helper()
		if _, _, err := client.Upgrade(t.Context(), i.dir, Version, yes); !errors.Is(err, serverlock.ErrInUse) || !strings.Contains(err.Error(), from) {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := i.session(t, "mdbadmin")
	if taken, err := serverlock.TryLock(t.Context(), other); err != nil || !taken {
		t.Fatalf("taken: %t, %v", taken, err)
	}
	refused("another upgrade", "connected from")
	if _, err := other.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	takeLegacy(other)
	refused("an older server", "connected from")
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	takeLegacy(held)
	// The error describes the database, even if it belongs to another role.
	i.exec(t, "CREATE ROLE "+stranger+"_owner", "ALTER TABLE metadb.init OWNER TO "+stranger+"_owner", "GRANT SELECT ON metadb.init TO mdbadmin", "UPDATE metadb.init SET dbversion = dbversion - 1000")
	if _, _, err := client.Upgrade(t.Context(), i.dir, Version, yes); err == nil || !strings.Contains(err.Error(), "belongs to Metadb 1.4 or older") {
		t.Errorf("an older line's: %v", err)
	}
	i.exec(t, "UPDATE metadb.init SET dbversion = dbversion + 1000", "ALTER TABLE metadb.init OWNER TO mdbadmin", "DROP ROLE "+stranger+"_owner")
	if _, err := held.Exec(t.Context(), "BEGIN; SELECT FROM metadb.init; LOCK TABLE metadb.init IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Upgrade(t.Context(), i.dir, Version, yes); err != nil {
		t.Error(err)
	}
}

// exec executes statements as the superuser.
func (i *installation) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := i.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// session connects to the database as a role.
func (i *installation) session(t *testing.T, role string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(i.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Password = role, "secret"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
