package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/access"
	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/target/ddl"
	"metadb/internal/target/pgcode"
)

const (
	// maxBlockers bounds the lock holders that are named for a table.
	maxBlockers = 3
	// blockersTimeout bounds the time that a batch waits for their names.
	blockersTimeout = time.Second
)

// lockedError is a lock timeout on a table, with the holders of the lock.
type lockedError struct {
	// purpose is the delayed action on the table, as a verb with its objects.
	purpose  string
	table    string
	blockers []status.Blocker
	err      error
}

func (e *lockedError) Error() string {
	holders := make([]string, len(e.blockers))
	for i := range e.blockers {
		holders[i] = e.blockers[i].String()
	}
	verb := "ends"
	if len(holders) > 1 {
		verb = "end"
	}
	return fmt.Sprintf("table %s %s as soon as %s %s", e.table, e.purpose, strings.Join(holders, " and "), verb)
}

// Unwrap returns PostgreSQL's error.
func (e *lockedError) Unwrap() error { return e.err }

// blockersIn returns the blockers in a list of errors.
func blockersIn(all ...error) []status.Blocker {
	var blockers []status.Blocker
	for _, err := range all {
		var locked *lockedError
		if errors.As(err, &locked) {
			blockers = append(blockers, locked.blockers...)
		}
	}
	return blockers
}

// addBlockers adds the holders of the lock to the error of a batch that ran into a lock timeout.
// The batch's transaction is over, and with it its entry in the lock queue, so the holders are
// those of present locks on the table. The error is returned unchanged if there are no holders or
// the query fails or takes longer than blockersTimeout.
func (s *supervisor) addBlockers(ctx context.Context, err error) error {
	var of interface{ Table() change.Table }
	if !pgcode.IsLockTimeout(err) || !errors.As(err, &of) {
		return err
	}
	locked := &lockedError{table: of.Table().String(), purpose: "goes on", err: err}
	var altered *ddl.ChangeError
	if errors.As(err, &altered) {
		locked.table, locked.purpose = altered.Delta.After.Name.String(), altered.Purpose()
	}
	ctx, cancel := context.WithTimeout(ctx, blockersTimeout)
	defer cancel()
	holders, failure := s.loadLockHolders(ctx, s.tables.relationsFedBy(of.Table()))
	if failure != nil {
		return err
	}
	if altered == nil { // any lock blocks a schema change, only the stronger ones block rows
		holders = strongestHolders(holders)
	}
	if len(holders) == 0 {
		return err
	}
	s.cancelBlockers(ctx, of.Table(), holders)
	for _, h := range holders[:min(len(holders), maxBlockers)] {
		h.Blocker.Table = of.Table().String()
		locked.blockers = append(locked.blockers, h.Blocker)
	}
	return locked
}

// lockHolder is a blocker with the strength of its lock.
type lockHolder struct {
	status.Blocker
	// strength is 2 for a lock that blocks writes to rows, 1 for a lock of a session that may
	// have locked rows, 0 for a reader's lock.
	strength int
	// begun is the begin of the transaction, the epoch if PostgreSQL does not show it.
	begun time.Time
}

// strongestHolders returns the leading holders of equal strength. The holders are sorted by
// strength, strongest first.
func strongestHolders(holders []lockHolder) []lockHolder {
	end := slices.IndexFunc(holders, func(h lockHolder) bool { return h.strength < holders[0].strength })
	if end < 0 {
		return holders
	}
	return holders[:end]
}

// lockHoldersSQL selects the holders of locks on relations, on their partitions and on the
// indexes; each holder once, with its strongest lock. The order is by strength, then by age,
// oldest first. A prepared transaction has no process; it is found by the lock on its transaction
// id. Unlike pg_partition_tree, the statement waits for no lock.
// https://www.postgresql.org/docs/current/explicit-locking.html
const lockHoldersSQL = `
	WITH RECURSIVE tree AS (
			SELECT to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS n (name)
			UNION SELECT i.inhrelid FROM tree AS t JOIN pg_inherits AS i ON i.inhparent = t.oid),
		every AS (SELECT t.oid FROM tree AS t UNION SELECT i.indexrelid FROM tree AS t JOIN pg_index AS i ON i.indrelid = t.oid),
		held AS (
			SELECT coalesce(l.pid, 0) AS pid, coalesce(p.gid, '') AS gid, l.mode,
					coalesce(p.owner::text, a.usename::text, a.backend_type, '') AS holder, coalesce(a.state, '') AS state,
					coalesce(extract(epoch FROM clock_timestamp() - coalesce(p.prepared, a.xact_start)), 0)::float8 AS age,
					coalesce(p.prepared, a.xact_start, 'epoch') AS begun,
					CASE WHEN l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') THEN 2
						WHEN l.mode IN ('RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock') THEN 1 ELSE 0 END AS strength
				FROM pg_locks AS l
					JOIN every AS e ON e.oid = l.relation
					LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
					LEFT JOIN pg_locks AS x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.granted
						AND x.virtualtransaction = l.virtualtransaction
					LEFT JOIN pg_prepared_xacts AS p ON p.transaction = x.transactionid
				WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
					AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())),
		once AS (SELECT DISTINCT ON (pid, gid) * FROM held ORDER BY pid, gid, strength DESC)
	SELECT pid, gid, mode, holder, state, age, strength, begun FROM once ORDER BY strength DESC, age DESC, pid LIMIT 100`

// loadLockHolders returns the holders of locks on relations. The query runs as the superuser,
// because PostgreSQL shows other roles' activity to it, and as the system user if the superuser
// can't connect.
func (s *supervisor) loadLockHolders(ctx context.Context, relations []string) ([]lockHolder, error) {
	var db access.Querier = s.pool
	if conn, err := s.connectSuperuser(ctx); err == nil {
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		db = conn
	}
	rows, err := db.Query(ctx, lockHoldersSQL, relations)
	if err != nil {
		return nil, fmt.Errorf("read who holds locks: %w", err)
	}
	var h lockHolder
	var all []lockHolder
	_, err = pgx.ForEachRow(rows, []any{&h.PID, &h.Prepared, &h.Mode, &h.User, &h.State, &h.Age, &h.strength, &h.begun}, func() error {
		all = append(all, h)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who holds locks: %w", err)
	}
	return all, nil
}

// relationsFedBy returns, as SQL, the relations of a table and of all tables that are transformed
// from it.
func (t *sharedCatalog) relationsFedBy(name change.Table) []string {
	var relations []string
	snapshot := t.store.Snapshot()
	for table := range snapshot.All() {
		root := table
		for root != nil && root.Name != name && root.IsTransformed() {
			root = snapshot.Table(root.Parent)
		}
		if root == nil || root.Name != name {
			continue
		}
		for relation := range table.Relations() {
			relations = append(relations, relation.SQL())
		}
	}
	return relations
}
