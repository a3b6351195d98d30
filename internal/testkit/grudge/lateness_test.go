package grudge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// sampleInterval is the time between two samples of a table.
const sampleInterval = 200 * time.Millisecond

// lateness measures how late each table is: the age of the oldest written change that it does
// not have.
type lateness struct {
	world *environment

	mu     sync.Mutex
	tables map[string]*tableLateness
	// excuses are the resources that the analyst holds: tables that have to change, or, with
	// the empty name, a resource of the whole machine.
	excuses []excuse
	// worst and worstExcused are the longest times, without and with an excuse.
	worst, worstExcused time.Duration
	faults              []string
}

// tableLateness has the written changes that a table does not have yet.
type tableLateness struct {
	pending []change
	// faulty is true if the table is late without an excuse, and this has been reported.
	faulty bool
}

type change struct {
	seq int64
	at  time.Time
}

// excuse is a time in which a table may be late.
type excuse struct {
	table    string
	from, to time.Time
}

func newLateness(w *environment) *lateness {
	l := &lateness{world: w, tables: make(map[string]*tableLateness)}
	for _, s := range w.sources {
		l.tables[s.name] = &tableLateness{}
	}
	return l
}

// sent adds a written change.
func (l *lateness) sent(table string, seq int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tables[table]
	t.pending = append(t.pending, change{seq, at})
}

// hold begins an excuse for each name, and returns the function that ends them.
func (l *lateness) hold(names ...string) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := time.Now()
	first := len(l.excuses)
	for _, name := range names {
		l.excuses = append(l.excuses, excuse{table: name, from: from})
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range names {
			l.excuses[first+i].to = time.Now()
		}
	}
}

// excused reports whether a table may be late at a time: the analyst holds it, or has held it
// until mostLate before.
func (l *lateness) excused(table string, at time.Time) bool {
	return slices.ContainsFunc(l.excuses, func(e excuse) bool {
		return (e.table == table || e.table == "") && !at.Before(e.from) && (e.to.IsZero() || at.Before(e.to.Add(*mostLate)))
	})
}

// watch samples every table until ctx ends.
func (l *lateness) watch(ctx context.Context) {
	var watching sync.WaitGroup
	for name := range l.tables {
		watching.Go(func() {
			conn, err := pgx.Connect(ctx, l.world.db.ConnString)
			if err != nil {
				l.world.t.Error(err)
				return
			}
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			tick := time.NewTicker(sampleInterval)
			defer tick.Stop()
			for ctx.Err() == nil {
				l.sample(ctx, conn, name)
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	watching.Wait()
}

// sample reads a table. If a schema change locks it, the next sample follows soon.
func (l *lateness) sample(ctx context.Context, conn *pgx.Conn, table string) {
	var seq int64
	asked := time.Now()
	sql := "SET lock_timeout = '100ms'; SELECT seq FROM library." + table + " WHERE id = 1"
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil || len(results) < 2 || len(results[1].Rows) != 1 {
		return
	}
	if _, err := fmt.Sscan(string(results[1].Rows[0][0]), &seq); err != nil {
		l.world.t.Error(err)
		return
	}
	l.seen(ctx, table, seq, asked)
}

// seen updates the lateness of a table that had a change at a time.
func (l *lateness) seen(ctx context.Context, table string, seq int64, at time.Time) {
	l.mu.Lock()
	t := l.tables[table]
	t.pending = slices.DeleteFunc(t.pending, func(c change) bool { return c.seq <= seq })
	late := time.Duration(0)
	if len(t.pending) > 0 {
		late = at.Sub(t.pending[0].at)
	}
	excused := l.excused(table, at)
	if excused {
		l.worstExcused = max(l.worstExcused, late)
	} else {
		l.worst = max(l.worst, late)
	}
	fault := late > *mostLate && !excused && !t.faulty
	if late > *mostLate && !excused {
		t.faulty = true
	} else if late == 0 {
		t.faulty = false
	}
	l.mu.Unlock()
	if fault {
		l.report(ctx, fmt.Sprintf("at %s table %s is %s late", at.Format("15:04:05"), table, late.Round(100*time.Millisecond)))
	}
}

// report adds a fault, with the server's status and the sessions that wait for locks.
func (l *lateness) report(ctx context.Context, fault string) {
	if rows, err := l.world.tryCommand(ctx, "list status"); err == nil {
		fault += fmt.Sprintf("\n  status: %v", rows)
	}
	const waiting = `SELECT usename || ' ' || state || ' ' || coalesce(wait_event, '') || ' ' || pg_blocking_pids(pid)::text || ' ' || left(query, 100)
		FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
	if rows, err := l.world.db.Pool.Query(ctx, waiting); err == nil {
		for rows.Next() {
			var line *string
			if rows.Scan(&line) == nil && line != nil {
				fault += "\n  " + strings.ReplaceAll(*line, "\n", " ")
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fault)
}
