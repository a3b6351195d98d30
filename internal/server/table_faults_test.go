package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/observe/status"
	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
)

// faultTimeout bounds the time until list status shows a fault, and its end, on an idle machine: ten
// seconds, and three for the test's own statements.
const faultTimeout = 13 * time.Second

// another returns a feed to the same broker for another table.
func (f *feed) another(table eventgen.Table) *feed {
	f.t.Helper()
	table.Prefix = "sensor"
	encoder, err := eventgen.NewEncoder(table)
	if err != nil {
		f.t.Fatal(err)
	}
	return &feed{t: f.t, broker: f.broker, producer: f.producer, encoder: encoder}
}

// awaitState waits until list status shows a state and a message that contains a text.
func (r *running) awaitState(t *testing.T, state, text string) {
	t.Helper()
	began := time.Now()
	r.await(t, "show the state "+state, func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 1 || rows[0][2] != state || !strings.Contains(rows[0][8], text) {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
	t.Logf("the state %s was shown after %s", state, time.Since(began).Round(100*time.Millisecond))
	if took := time.Since(began); took > pace.Bound(faultTimeout) {
		t.Errorf("the state %s was shown after %s", state, took)
	}
}

func patronWith(kind eventgen.Kind) eventgen.Table {
	return eventgen.Table{
		Schema: "library", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: kind}, {Name: "name", Kind: eventgen.Text}},
	}
}

func loans() eventgen.Table {
	return eventgen.Table{
		Schema: "library", Name: "loan", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
	}
}

const loansNow = "SELECT string_agg(id || '=' || name, ' ' ORDER BY id) FROM library.loan"

// tableFaultTest is a server with two streaming tables of one source.
type tableFaultTest struct {
	*running
	patron, loan *feed
}

func newTableFaultTest(t *testing.T) *tableFaultTest {
	t.Helper()
	return newTableFaultTestOn(t, pgtest.New(t))
}

func newTableFaultTestOn(t *testing.T, db *pgtest.DB) *tableFaultTest {
	t.Helper()
	i, patron := installOn(t, db), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: patron, loan: patron.another(loans())}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.loan.change('c', 1, "A", "")
	f.awaitText(t, current, "1=Ada")
	f.awaitText(t, loansNow, "1=A")
	return f
}

// TestViewOnAColumnThatWidens checks that the table waits and is in the status, the others are
// applied, and that the waiting events are applied after the view is dropped.
func TestViewOnAColumnThatWidens(t *testing.T) {
	f := newTableFaultTest(t)
	f.exec(t, "CREATE SCHEMA report; CREATE VIEW report.names AS SELECT id, name FROM library.patron__")
	wide := f.patron.another(patronWith(eventgen.BigInt))
	wide.lsn = f.patron.lsn
	wide.change('c', 1<<40, "Eve", "")
	f.awaitState(t, "error", "rule _RETURN on view report.names depends on column \"id\"")
	f.loan.change('u', 1, "B", "")
	f.awaitText(t, loansNow, "1=B")
	f.awaitState(t, "error", "table library.patron waits, the others go on")
	wide.change('c', 2, "Bob", "")
	f.awaitText(t, current, "1=Ada")
	f.exec(t, "DROP VIEW report.names")
	f.awaitState(t, "active", "")
	f.awaitText(t, current, "1=Ada 2=Bob 1099511627776=Eve")
	for _, text := range []string{"table library.patron waits, the others go on", "view report.names", "table library.patron goes on"} {
		f.awaitLog(t, text)
	}
}

// TestLockForMinutes holds a lock on a table, in a session or in a prepared transaction. The
// status names the holder.
func TestLockForMinutes(t *testing.T) {
	pgtest.SkipShort(t)
	ctx := t.Context()
	cluster, err := pgtest.NewCluster(ctx, pgtest.Options{Settings: []string{"max_prepared_transactions = 5"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	const take = "LOCK TABLE library.patron__ IN ACCESS EXCLUSIVE MODE"
	for name, test := range map[string]struct {
		// hold takes the lock, and release releases it.
		hold, release string
		// says is the text in the status, with %d for the session's process.
		says string
		// wider is set if the event has a new column.
		wider bool
	}{
		"session":  {hold: "BEGIN; " + take, release: "ROLLBACK", says: "table library.patron goes on as soon as postgres's transaction (pid %d, idle in transaction, open "},
		"prepared": {hold: "BEGIN; " + take + "; PREPARE TRANSACTION 'nightly'", release: "ROLLBACK PREPARED 'nightly'", says: `table library.patron goes on as soon as postgres's prepared transaction ("nightly", open `},
		"reader":   {hold: "BEGIN; SELECT FROM library.patron__", release: "ROLLBACK", says: "table library.patron gets a new column (born) as soon as postgres's transaction (pid %d, idle in transaction, open ", wider: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTableFaultTestOn(t, pgtest.NewOn(t, cluster))
			conn, err := f.db.Pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
			defer func() { _, _ = conn.Exec(ctx, "ROLLBACK") }()
			if _, err := conn.Exec(t.Context(), test.hold); err != nil {
				t.Fatal(err)
			}
			if test.wider {
				columns := f.patron.encoder.Table().Columns
				f.patron.alter(append(slices.Clone(columns), eventgen.Column{Name: "born", Kind: eventgen.Text})...)
				f.patron.row('u', "", int64(1), "Eve", "1815")
			} else {
				f.patron.change('u', 1, "Eve", "")
			}
			f.awaitState(t, "error", "library.patron")
			f.loan.change('u', 1, "B", "")
			f.awaitText(t, loansNow, "1=B")
			says := test.says
			if strings.Contains(says, "%d") {
				says = fmt.Sprintf(says, conn.Conn().PgConn().PID())
			}
			f.awaitState(t, "error", "table library.patron waits, the others go on: "+says)
			f.awaitState(t, "error", "open 10 s") // each try updates it
			want := status.Blocker{Table: "library.patron", User: "postgres", Prepared: "nightly", Mode: "AccessExclusiveLock"}
			if strings.Contains(test.says, "%d") {
				want.Prepared, want.PID, want.State = "", int32(conn.Conn().PgConn().PID()), "idle in transaction"
			}
			if test.wider {
				want.Mode = "AccessShareLock"
			}
			f.checkBlocker(t, want)
			f.loan.change('u', 1, "C", "")
			f.awaitText(t, loansNow, "1=C")
			if _, err := conn.Exec(t.Context(), test.release); err != nil {
				t.Fatal(err)
			}
			f.awaitState(t, "active", "")
			if rows := f.admin(t, "list status"); strings.Contains(rows[0][8], "as soon as") {
				t.Errorf("the lock is free: %v", rows)
			}
			f.awaitText(t, current, "1=Eve")
			f.awaitText(t, versions, "2")
		})
	}
}

// checkBlocker fails the test unless "metadb status" shows one holder of a lock, for at least 10
// seconds.
func (r *running) checkBlocker(t *testing.T, want status.Blocker) {
	t.Helper()
	blockers := r.overview(t).Sources[0].Blockers
	if len(blockers) != 1 || blockers[0].Age < 10 {
		t.Fatalf("%+v, want one for 10 s", blockers)
	}
	if want.Age = blockers[0].Age; blockers[0] != want {
		t.Errorf("got %+v, want %+v", blockers[0], want)
	}
}

// TestRestartWhileATableWaits checks that waiting events are not stored, and not lost by a
// restart.
func TestRestartWhileATableWaits(t *testing.T) {
	f := newTableFaultTest(t)
	f.exec(t, "CREATE VIEW library.names AS SELECT id FROM library.patron__")
	wide := f.patron.another(patronWith(eventgen.BigInt))
	wide.lsn = f.patron.lsn
	wide.change('c', 2, "Eve", "")
	f.awaitState(t, "error", "table library.patron waits")
	f.stop(t)
	wide.change('c', 3, "Bob", "")
	f.exec(t, "DROP VIEW library.names")
	again := f.start(t)
	again.awaitText(t, current, "1=Ada 2=Eve 3=Bob")
	again.awaitState(t, "active", "")
}

// TestChangedByHand changes tables by hand while the server runs.
func TestChangedByHand(t *testing.T) {
	for name, test := range map[string]struct {
		damage string
		// says is the text in the status until the repair, empty if the server recovers by
		// itself.
		says, repair string
		want         string
	}{
		"table dropped":   {damage: "DROP TABLE library.patron__", want: "1=Eve"},
		"current dropped": {damage: "DROP TABLE library.patron", says: "library.patron", repair: "DROP TABLE library.patron__", want: "1=Eve"},
		"column dropped":  {damage: "ALTER TABLE library.patron__ DROP COLUMN name", want: "1=Eve"},
		"column added":    {damage: "ALTER TABLE library.patron__ ADD COLUMN note text DEFAULT 'x'", want: "1=Eve"},
		"column that must have a value": {
			damage: "ALTER TABLE library.patron__ ADD COLUMN note text NOT NULL DEFAULT 'x'", want: "1=Eve",
		},
		"index and trigger": {damage: "CREATE UNIQUE INDEX ON library.patron (name); CREATE INDEX ON library.patron__ (name)", want: "1=Eve"},
		"schema dropped":    {damage: "DROP SCHEMA library CASCADE", want: "1=Eve"},
		"rights revoked": {
			damage: "ALTER TABLE library.patron OWNER TO postgres", says: "permission denied",
			repair: "ALTER TABLE library.patron OWNER TO mdbadmin", want: "1=Eve",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTableFaultTest(t)
			f.exec(t, test.damage)
			f.patron.change('u', 1, "Eve", "")
			f.loan.change('u', 1, "B", "")
			f.awaitText(t, loansNow, "1=B")
			if test.says != "" {
				f.awaitState(t, "error", test.says)
				f.exec(t, test.repair)
			}
			f.awaitText(t, current, test.want)
			f.awaitState(t, "active", "")
		})
	}
}
