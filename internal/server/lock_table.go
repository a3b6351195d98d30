package server

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/access"
	"metadb/internal/observe/status"
)

// mostLocks is the smallest number of locks of a session that is named when the lock table is
// full.
const mostLocks = 200

// mostLocksSQL selects the session with most entries in PostgreSQL's lock table. The table is
// full when it runs, so it uses functions: the views would lock shared catalogs, which takes
// entries. Fast-path locks are kept with each session and do not count.
const mostLocksSQL = `
	WITH held AS MATERIALIZED (SELECT pid, virtualtransaction, locktype, transactionid, fastpath FROM pg_lock_status()),
		most AS (SELECT pid, virtualtransaction, count(*) AS n, sum(count(*)) OVER ()::bigint AS total
			FROM held WHERE NOT fastpath GROUP BY pid, virtualtransaction ORDER BY count(*) DESC LIMIT 1)
	SELECT coalesce(m.pid, 0), coalesce(p.gid, ''), coalesce(p.ownerid, a.usesysid, 0)::bigint, coalesce(a.state, ''),
			coalesce(extract(epoch FROM clock_timestamp() - coalesce(p.prepared, a.xact_start, a.backend_start)), 0)::float8, m.n, m.total
		FROM most AS m
			LEFT JOIN LATERAL pg_stat_get_activity(coalesce(m.pid, -1)) AS a ON true
			LEFT JOIN held AS x ON m.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = m.virtualtransaction
			LEFT JOIN pg_prepared_xact() AS p ON p.transaction = x.transactionid
		LIMIT 1`

// roleNames contains the names of roles, read in advance because reading them takes locks. It is
// safe for concurrent use.
type roleNames struct {
	mu    sync.Mutex
	byOID map[int64]string
}

// loadNames reads the names of all roles.
func (r *roleNames) loadNames(ctx context.Context, db access.Querier) error {
	rows, err := db.Query(ctx, "SELECT oid::bigint, rolname::text FROM pg_roles")
	if err != nil {
		return fmt.Errorf("read the names of roles: %w", err)
	}
	names := make(map[int64]string)
	var oid int64
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name}, func() error { names[oid] = name; return nil }); err != nil {
		return fmt.Errorf("read the names of roles: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byOID = names
	return nil
}

// nameOf returns the name of a role, or a text with its number if the name is not loaded.
func (r *roleNames) nameOf(oid int64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name, known := r.byOID[oid]; known {
		return name
	}
	return fmt.Sprintf("role %d", oid)
}

// rehearseLocks runs mostLocksSQL once in a new connection, so that PostgreSQL caches the catalog
// entries for it, which it could not lock when the lock table is full.
func rehearseLocks(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, mostLocksSQL)
	if err != nil {
		return fmt.Errorf("look at the table of locks: %w", err)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look at the table of locks: %w", err)
	}
	return nil
}

// addLockHolder adds the session with most locks to an error about a full lock table.
func (s *supervisor) addLockHolder(ctx context.Context, err error) error {
	var who status.Blocker
	var role, has, all int64
	failure := s.pool.QueryRow(ctx, mostLocksSQL).Scan(&who.PID, &who.Prepared, &role, &who.State, &who.Age, &has, &all)
	if failure != nil || has < mostLocks {
		return err
	}
	who.User = s.roles.nameOf(role)
	return &resourceError{most: fmt.Sprintf("PostgreSQL's table of locks: %s has %d of %d locks", who.String(), has, all), err: err}
}
