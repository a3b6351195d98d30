package serverlock

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/pgcode"
)

// LegacyLock is the key of the advisory lock of a database's server up to database version 1026:
// "metadb" in ASCII. Any role may take an advisory lock, so it counts only if a session of the
// system user has it, which may be an older program.
// https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
const LegacyLock int64 = 0x6d6574616462

// lockServer tries to lock metadb.server_lock in a transaction that the session keeps open. The
// lock needs a right on the view that only the system user has. Between statements the
// transaction has neither a snapshot nor a transaction id, so it does not hold back VACUUM; the
// extended protocol would leave a portal open, with its snapshot. Without NOWAIT, a standby
// server could wait for the lock. It reports false if another session has the lock or a server
// of an older program runs.
func lockServer(ctx context.Context, conn *pgx.Conn) (bool, error) {
	taken, err := lockTable(ctx, conn, "metadb.server_lock IN EXCLUSIVE MODE", olderRuns)
	if err != nil {
		return false, fmt.Errorf("lock the database: %w", err)
	}
	return taken, nil
}

// lockOlder tries to lock a database without metadb.server_lock: an empty one, or one of an older
// version. The legacy lock excludes older programs. Another role may hold it, which must not
// exclude this program; so metadb.init is locked too if it exists, in a mode that needs a right
// of the system user and is compatible with an upgrade's writes.
func lockOlder(ctx context.Context, conn *pgx.Conn) (bool, error) {
	// A metadb.init of another role is not this program's; a later step refuses the database.
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
		// An upgrade may have ended since hasServerLock.
		if upgraded, err := hasServerLock(ctx, conn); err != nil || upgraded {
			return upgraded, err
		}
		return lockLegacy(ctx, conn)
	})
}

// lockLegacy takes the legacy lock if it is free; rival reports that an older server has it.
func lockLegacy(ctx context.Context, conn *pgx.Conn) (rival bool, err error) {
	var taken bool
	const question = "SELECT pg_catalog.pg_try_advisory_lock($1)"
	if err := conn.QueryRow(ctx, question, pgx.QueryExecModeSimpleProtocol, LegacyLock).Scan(&taken); err != nil || taken {
		return false, err
	}
	return olderRuns(ctx, conn)
}

// lockTable tries to lock a table in a transaction that the session keeps open, and then checks
// for a rival. If another session has the lock, or there is a rival, it ends the transaction and
// reports false.
func lockTable(ctx context.Context, conn *pgx.Conn, lock string, rival func(context.Context, *pgx.Conn) (bool, error)) (bool, error) {
	_, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED; LOCK TABLE "+lock+" NOWAIT")
	if err == nil {
		var found bool
		if found, err = rival(ctx, conn); err == nil && !found {
			return true, nil
		}
	}
	if pgcode.IsLockTimeout(err) {
		err = nil
	}
	if _, failed := conn.Exec(ctx, "ROLLBACK"); failed != nil && err == nil {
		err = failed
	}
	return false, err
}

// olderRuns reports whether a server of an older program has the legacy lock.
func olderRuns(ctx context.Context, conn *pgx.Conn) (older bool, err error) {
	err = conn.QueryRow(ctx, olderServerSQL, pgx.QueryExecModeSimpleProtocol, LegacyLock).Scan(&older)
	return older, err
}

// olderServerSQL selects whether another session of the same role has the legacy lock. Every role
// can see the role of a session.
const olderServerSQL = `
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
       AND a.datname = pg_catalog.current_database() AND a.usename = current_user
       AND l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8 = $1)`

// HoldsLock reports whether a session is still in the transaction with the lock: a failed
// transaction has lost it.
func HoldsLock(conn *pgx.Conn) bool { return conn.PgConn().TxStatus() == 'T' }

// hasServerLock reports whether the database has the view that is locked.
func hasServerLock(ctx context.Context, conn *pgx.Conn) (there bool, err error) {
	const question = "SELECT pg_catalog.to_regclass('metadb.server_lock') IS NOT NULL"
	if err := conn.QueryRow(ctx, question, pgx.QueryExecModeSimpleProtocol).Scan(&there); err != nil {
		return false, fmt.Errorf("lock the database: %w", err)
	}
	return there, nil
}

// LockHolderAddress returns a part of a message with the holder of the lock: the client's
// address, or the session to end if it is one of another role. It is "" if neither is visible.
func LockHolderAddress(ctx context.Context, conn *pgx.Conn) string {
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
	if err := conn.QueryRow(ctx, sql, LegacyLock).Scan(&role, &pid, &from, &same); err != nil {
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
