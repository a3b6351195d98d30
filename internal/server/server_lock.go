package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// legacyLock is the key of the advisory lock that the one server of a database had
// up to database version 1026: "metadb" in ASCII. Anybody may take such a lock, so that
// it counts only against the system user's sessions, which may be an older program's.
// https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
const legacyLock int64 = 0x6d6574616462

// codeLockNotAvailable is the SQLSTATE of a lock that somebody else has.
const codeLockNotAvailable = "55P03"

// lockServer tries to lock metadb.server_lock, in a transaction that the session stays in:
// that needs a right on the view, which only the system user has. Between statements the
// transaction has neither a snapshot nor a number, so that VACUUM cleans up behind it; the
// extended protocol would leave a portal open, with its snapshot. A standby can wait for the
// lock without NOWAIT. It reports false where another session has it.
func lockServer(ctx context.Context, conn *pgx.Conn) (bool, error) {
	taken, err := lockTable(ctx, conn, "metadb.server_lock IN EXCLUSIVE MODE", olderRuns)
	if err != nil {
		return false, fmt.Errorf("lock the database: %w", err)
	}
	return taken, nil
}

// lockOlder tries to lock a database that has no metadb.server_lock: one of an older version, or an
// empty one. The legacy lock keeps older programs away. A stranger who has it does that
// in our place, and must not keep us away: this program's line also locks metadb.init where it is
// there, which takes a right that only the system user has, and which an upgrade can write.
func lockOlder(ctx context.Context, conn *pgx.Conn) (bool, error) {
	// One that belongs to another role is no database of this program's line, which is refused later.
	const question = "SELECT coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass('metadb.init'), 'UPDATE'), false)"
	var ours bool
	if err := conn.QueryRow(ctx, question).Scan(&ours); err != nil {
		return false, err
	}
	if !ours {
		rival, err := lockLegacy(ctx, conn)
		return err == nil && !rival, err
	}
	return lockTable(ctx, conn, "metadb.init IN SHARE UPDATE EXCLUSIVE MODE", func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		// An upgrade may have ended since it was looked for.
		if upgraded, err := hasServerLock(ctx, conn); err != nil || upgraded {
			return upgraded, err
		}
		return lockLegacy(ctx, conn)
	})
}

// lockLegacy takes the legacy lock, unless somebody has it; rival says that this is an older server.
func lockLegacy(ctx context.Context, conn *pgx.Conn) (rival bool, err error) {
	var taken bool
	const question = "SELECT pg_catalog.pg_try_advisory_lock($1)"
	if err := conn.QueryRow(ctx, question, pgx.QueryExecModeSimpleProtocol, legacyLock).Scan(&taken); err != nil || taken {
		return false, err
	}
	return olderRuns(ctx, conn)
}

// lockTable tries to lock a table in a transaction that the session stays in, unless a rival is found
// then. It reports false, and ends the transaction, where another session has the lock or there
// is a rival.
func lockTable(ctx context.Context, conn *pgx.Conn, lock string, rival func(context.Context, *pgx.Conn) (bool, error)) (bool, error) {
	_, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED; LOCK TABLE "+lock+" NOWAIT")
	if err == nil {
		var found bool
		if found, err = rival(ctx, conn); err == nil && !found {
			return true, nil
		}
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == codeLockNotAvailable {
		err = nil
	}
	if _, failed := conn.Exec(ctx, "ROLLBACK"); failed != nil && err == nil {
		err = failed
	}
	return false, err
}

// olderRuns reports whether an older program's server has the legacy lock.
func olderRuns(ctx context.Context, conn *pgx.Conn) (older bool, err error) {
	err = conn.QueryRow(ctx, olderServerSQL, pgx.QueryExecModeSimpleProtocol, legacyLock).Scan(&older)
	return older, err
}

// olderServerSQL asks whether a session of the same role has the legacy lock. Whose a
// session is, everybody may see.
const olderServerSQL = `
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
       AND a.datname = pg_catalog.current_database() AND a.usename = current_user
       AND l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8 = $1)`

// holdsLock reports whether a session is still in the transaction that has the lock: one that
// failed has lost it.
func holdsLock(conn *pgx.Conn) bool { return conn.PgConn().TxStatus() == 'T' }

// hasServerLock reports whether the database has what is locked.
func hasServerLock(ctx context.Context, conn *pgx.Conn) (there bool, err error) {
	const question = "SELECT pg_catalog.to_regclass('metadb.server_lock') IS NOT NULL"
	if err := conn.QueryRow(ctx, question, pgx.QueryExecModeSimpleProtocol).Scan(&there); err != nil {
		return false, fmt.Errorf("lock the database: %w", err)
	}
	return there, nil
}

// lockHolderAddress says from where the lock is held, as far as can be seen.
func lockHolderAddress(ctx context.Context, conn *pgx.Conn) string {
	const sql = `
SELECT a.usename::pg_catalog.text, a.pid, CASE WHEN a.backend_start IS NULL THEN '' ELSE coalesce(pg_catalog.host(a.client_addr), 'a Unix socket') END,
       a.usename = current_user
  FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)
 WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid() AND a.datname = pg_catalog.current_database()
   AND (l.locktype = 'relation' AND l.mode = 'ExclusiveLock' AND l.relation = pg_catalog.to_regclass('metadb.server_lock')
        OR l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.relation = pg_catalog.to_regclass('metadb.init')
        OR l.locktype = 'advisory' AND l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8 = $1)
 ORDER BY 4 DESC, l.locktype DESC
 LIMIT 1`
	var role, from string
	var pid int32
	var same bool
	if err := conn.QueryRow(ctx, sql, legacyLock).Scan(&role, &pid, &from, &same); err != nil {
		return ""
	}
	switch {
	case !same:
		return fmt.Sprintf(", or rather session %d of role %q has its lock: end that session", pid, role)
	case from == "":
		return ""
	}
	return ", connected from " + from
}
