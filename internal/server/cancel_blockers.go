package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// blockerWatch keeps, for each table, since when sessions have blocked it. It is safe for
// concurrent use. The zero value is ready.
type blockerWatch struct {
	mu     sync.Mutex
	tables map[change.Table]map[blockerKey]time.Time
}

// blockerKey identifies a session's transaction.
type blockerKey struct {
	pid   int32
	begun time.Time
}

// noteHolders replaces the recorded holders of a table's locks by the present ones. It returns
// those that have blocked the table for at least limit.
func (w *blockerWatch) noteHolders(table change.Table, holders []lockHolder, limit time.Duration, now time.Time) []lockHolder {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, still := w.tables[table], make(map[blockerKey]time.Time)
	var due []lockHolder
	for _, h := range holders {
		if h.PID == 0 {
			continue // a prepared transaction has no session
		}
		key := blockerKey{h.PID, h.begun}
		since, known := before[key]
		if !known {
			since = now
		}
		still[key] = since
		if now.Sub(since) >= limit {
			due = append(due, h)
		}
	}
	if w.tables == nil {
		w.tables = make(map[change.Table]map[blockerKey]time.Time)
	}
	w.tables[table] = still
	return due
}

// cancelBlockersSQL reads the parameter cancel_blockers_after in seconds, NULL if it is off.
const cancelBlockersSQL = `
	SELECT (SELECT extract(epoch FROM c.value::interval)::float8 FROM metadb.config AS c
		WHERE c.parameter = 'cancel_blockers_after' AND c.value NOT IN ('', 'off'))`

// cancelBlockers ends sessions that have blocked a table for longer than the parameter
// cancel_blockers_after. Failures are only logged: the next try of the table repeats it.
func (s *supervisor) cancelBlockers(ctx context.Context, table change.Table, holders []lockHolder) {
	var seconds *float64
	if err := s.pool.QueryRow(ctx, cancelBlockersSQL).Scan(&seconds); err != nil || seconds == nil {
		return
	}
	limit := time.Duration(*seconds * float64(time.Second))
	due := s.blockers.noteHolders(table, holders, limit, time.Now())
	if len(due) == 0 {
		return
	}
	conn, err := s.connectObserver(ctx)
	if err != nil {
		s.logger.Warn(fmt.Sprintf("end who holds up table %s: %v", table, err))
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for i := range due {
		s.endSession(ctx, conn, table, &due[i], limit)
	}
}

// endSessionSQL ends a session if its transaction ($2) is still the same one. It spares the
// sessions of the system user ($3), which may be the server's own, those of superusers, and
// PostgreSQL's own processes, which have no user.
const endSessionSQL = `
	SELECT pg_terminate_backend(a.pid)
		FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
		WHERE a.pid = $1 AND a.xact_start = $2 AND a.usename <> $3 AND NOT r.rolsuper`

func (s *supervisor) endSession(ctx context.Context, conn *pgx.Conn, table change.Table, h *lockHolder, limit time.Duration) {
	var ended bool
	err := conn.QueryRow(ctx, endSessionSQL, h.PID, h.begun, s.config.SystemUser.Name).Scan(&ended)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the transaction has ended, or the session may not be ended
	case err != nil:
		s.logger.Warn(fmt.Sprintf("end %s, which holds up table %s: %v", h.Blocker.String(), table, err))
	case ended:
		s.logger.Warn(fmt.Sprintf("the session of %s was ended: it had held up table %s for %s (cancel_blockers_after)", h.Blocker.String(), table, limit))
	}
}
