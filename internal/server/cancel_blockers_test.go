package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
)

// analyst connects to the database as a new user who may read all tables.
func (r *running) analyst(t *testing.T) (*pgx.Conn, string) {
	t.Helper()
	user := "analyst_" + r.db.Name
	r.admin(t, "create user "+user+" with password 'x'")
	r.admin(t, "grant access on all to "+user)
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s password=x dbname=%s sslmode=disable", r.db.Cluster.Host(), r.db.Cluster.Port(), user, r.db.Name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn, user
}

// TestCancelBlockers checks that a session which blocks a new column is ended after
// cancel_blockers_after, and only if that is set.
func TestCancelBlockers(t *testing.T) {
	f := newTableFaultTest(t)
	conn, user := f.analyst(t)
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT FROM library.patron__"); err != nil {
		t.Fatal(err)
	}
	columns := f.patron.encoder.Table().Columns
	f.patron.alter(append(slices.Clone(columns), eventgen.Column{Name: "born", Kind: eventgen.Text})...)
	f.patron.row('u', "", int64(1), "Eve", "1815")
	f.awaitState(t, "error", fmt.Sprintf("table library.patron gets a new column (born) as soon as %s's transaction (pid %d, idle in transaction, open ", user, conn.PgConn().PID()))
	f.awaitState(t, "error", "open 10 s")
	f.admin(t, "alter system set cancel_blockers_after = '1 second'")
	f.awaitState(t, "active", "")
	f.awaitText(t, current, "1=Eve")
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the session lives")
	}
	f.awaitLog(t, fmt.Sprintf("the session of %s's transaction (pid %d, ", user, conn.PgConn().PID()))
	f.awaitLog(t, "had held up table library.patron for 1s (cancel_blockers_after)")
}

// TestBlockerWatch checks that the time of each transaction is counted separately.
func TestBlockerWatch(t *testing.T) {
	var watch blockerWatch
	table, now := change.Table{Name: "patron"}, time.Now()
	at := func(seconds int, holders ...lockHolder) (due []int32) {
		for _, h := range watch.noteHolders(table, holders, 10*time.Second, now.Add(time.Duration(seconds)*time.Second)) {
			due = append(due, h.PID)
		}
		return due
	}
	holder := func(pid int32, begun int) lockHolder {
		h := lockHolder{begun: now.Add(time.Duration(begun) * time.Second)}
		h.PID = pid
		return h
	}
	prepared := holder(0, 0)
	for _, step := range []struct {
		second  int
		holders []lockHolder
		want    []int32
	}{
		{0, []lockHolder{holder(1, 0), holder(2, 0), prepared}, nil},
		{9, []lockHolder{holder(1, 0), holder(2, 5), prepared}, nil},
		{10, []lockHolder{holder(1, 0), holder(2, 5), prepared}, []int32{1}},
		{12, []lockHolder{holder(2, 5)}, nil},
		{13, []lockHolder{holder(1, 0), holder(2, 5)}, nil},
		{19, []lockHolder{holder(1, 0), holder(2, 5)}, []int32{2}},
	} {
		if got := at(step.second, step.holders...); !slices.Equal(got, step.want) {
			t.Errorf("at %d s: got %v, want %v", step.second, got, step.want)
		}
	}
}

// TestLockTableFull has an analyst take all of PostgreSQL's locks. The status names the session,
// no event is lost, and the stream continues within seconds after the locks are released.
func TestLockTableFull(t *testing.T) {
	cluster := pgtest.NewClusterFor(t, pgtest.Options{Settings: []string{"max_connections = 30", "max_locks_per_transaction = 20"}})
	f := newTableFaultTestOn(t, pgtest.NewOn(t, cluster))
	conn, user := f.analyst(t)
	f.stop(t)
	f.running = f.start(t) // which loads the new role's name
	// The stream has prepared its statements after a first change.
	f.patron.change('u', 1, "before", "")
	f.awaitText(t, current, "1=before")
	fill := func() {
		// Fill the table; a statement that fails releases its own locks.
		for _, n := range []int{500, 100, 10, 1} {
			for i := 0; ; i++ {
				sql := fmt.Sprintf("SELECT count(pg_advisory_lock(%d, i)) FROM generate_series(%d, %d) AS i", n, i*n, (i+1)*n-1)
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					break
				}
			}
		}
	}
	fill()
	again := f.patron.another(eventgen.Table{
		Schema: "library", Name: "fine", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
	})
	again.change('c', 1, "late", "")
	f.await(t, "say who has the locks", func() error {
		fill()
		rows := f.admin(t, "list status")
		if message := rows[0][8]; rows[0][2] != "error" || !strings.Contains(message, "PostgreSQL's table of locks: "+user+"'s transaction (pid ") {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	f.awaitText(t, "SELECT string_agg(id || '=' || name, ' ') FROM library.fine", "1=late")
	if took := time.Since(began); took > pace.Bound(5*time.Second) {
		t.Errorf("the stream went on after %s", took)
	}
	f.awaitState(t, "active", "")
}
