package grudge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// analyst is a session that does at random whatever its role may do.
type analyst struct {
	*environment
	random *rand.Rand
	// number is part of the names of the objects that the analyst creates, made the number of
	// them.
	number, made int
}

// analystAct is an act of the analyst, with its relative frequency.
type analystAct struct {
	name   string
	weight int
	do     func(*analyst, context.Context) error
}

func analystActs() []analystAct {
	return []analystAct{
		{"hold tables in an idle transaction", 6, (*analyst).holdTables},
		{"hold a table in a prepared transaction", 2, (*analyst).prepare},
		{"lock own table and be granted on it", 3, (*analyst).lockOwn},
		{"hold a grant on own table", 3, (*analyst).holdGrant},
		{"take advisory locks", 4, (*analyst).lockAdvisory},
		{"make tables named like others", 3, (*analyst).makeLikeOurs},
		{"drop the type of a granted function", 2, (*analyst).dropType},
		{"try what is refused", 4, (*analyst).tryRefused},
		{"sleep in many sessions", 2, (*analyst).sleep},
		{"sort much", 1, (*analyst).sort},
		{"exhaust locks", 1, (*analyst).exhaustLocks},
		{"read in a serializable transaction", 2, (*analyst).serializable},
		{"many savepoints", 1, (*analyst).savepoints},
		{"notify", 1, (*analyst).notify},
	}
}

// connect opens a session of the analyst.
func (a *analyst) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=%s sslmode=disable",
		a.db.Cluster.Host(), a.db.Cluster.Port(), analystName, password, a.db.Name))
}

// runSession runs statements in a session and keeps it open for a while. It returns the error
// of a statement that PostgreSQL refuses.
func (a *analyst) runSession(ctx context.Context, hold time.Duration, statements ...string) error {
	conn, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range statements {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return sleepContext(ctx, hold)
}

// sleepContext waits for d, or until ctx ends.
func sleepContext(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// randomHold returns a random time of up to 12 seconds.
func (a *analyst) randomHold() time.Duration {
	return time.Duration(a.random.IntN(12_000)) * time.Millisecond
}

// newOwnName returns a new name in the analyst's schema.
func (a *analyst) newOwnName(what string) string {
	a.made++
	return fmt.Sprintf("%s.%s_%d_%d", analystName, what, a.number, a.made)
}

func (a *analyst) randomTable() string { return fmt.Sprintf("t%d", a.random.IntN(tables)) }

func (a *analyst) holdTables(ctx context.Context) error {
	statements, names := []string{"BEGIN"}, []string{}
	for range 1 + a.random.IntN(6) {
		table := a.randomTable()
		names = append(names, table)
		statements = append(statements, "SELECT count(*) FROM library."+table+"__")
	}
	defer a.lateness.hold(names...)()
	return a.runSession(ctx, a.randomHold(), statements...)
}

func (a *analyst) prepare(ctx context.Context) error {
	table, name := a.randomTable(), fmt.Sprintf("p_%d_%d", a.number, a.made)
	a.made++
	defer a.lateness.hold(table)()
	if err := a.runSession(ctx, a.randomHold(), "BEGIN; SELECT FROM library."+table+"__; PREPARE TRANSACTION '"+name+"'"); err != nil {
		return err
	}
	return a.runSession(context.WithoutCancel(ctx), 0, "ROLLBACK PREPARED '"+name+"'")
}

func (a *analyst) lockOwn(ctx context.Context) error {
	table := a.newOwnName("mine")
	if err := a.runSession(ctx, 0, "CREATE TABLE "+table+" (id int)"); err != nil {
		return err
	}
	go func() { _, _ = a.tryCommand(ctx, "grant access on table "+table+" to "+accomplice) }()
	return a.runSession(ctx, a.randomHold(), "BEGIN; LOCK TABLE "+table)
}

func (a *analyst) holdGrant(ctx context.Context) error {
	table := a.newOwnName("granted")
	if err := a.runSession(ctx, 0, "CREATE TABLE "+table+" (id int)"); err != nil {
		return err
	}
	if _, err := a.tryCommand(ctx, "grant access on table "+table+" to "+accomplice); err != nil {
		return err
	}
	return a.runSession(ctx, a.randomHold()+5*time.Second, "REVOKE SELECT ON "+table+" FROM "+accomplice, "BEGIN; GRANT SELECT ON "+table+" TO public; GRANT USAGE ON SCHEMA "+analystName+" TO public")
}

// lockAdvisory takes the advisory locks that an earlier version of the server took, and many
// others.
func (a *analyst) lockAdvisory(ctx context.Context) error {
	table := a.randomTable()
	return a.runSession(ctx, a.randomHold(), "SELECT pg_try_advisory_lock(x'6d6574616462'::bigint)",
		"SELECT pg_advisory_lock(1296393282, hashtext(n)) FROM unnest(ARRAY['library', '\"library\".\"zzz___"+table+"___\"', '\"library\".\""+table+"__\"']) AS n",
		"SELECT count(pg_try_advisory_lock_shared(1296393282, i)) FROM generate_series(1, 500) AS i")
}

func (a *analyst) makeLikeOurs(ctx context.Context) error {
	table, viewed := a.randomTable(), a.randomTable()
	defer a.lateness.hold(table, viewed)()
	return a.runSession(ctx, a.randomHold(), "BEGIN", "CREATE TABLE "+a.newOwnName("like")+" (LIKE library."+table+"__)",
		"CREATE VIEW "+a.newOwnName("view")+" AS SELECT * FROM library."+viewed+"__",
		"CREATE TEMP TABLE stage_"+fmt.Sprint(a.made)+" (id int); CREATE TEMP TABLE stream_position (id int)",
		"SAVEPOINT s; CREATE TABLE IF NOT EXISTS "+analystName+".t0__ (id int)")
}

func (a *analyst) dropType(ctx context.Context) error {
	name := a.newOwnName("type")
	f := a.newOwnName("f")
	if err := a.runSession(ctx, 0, "CREATE TYPE "+name+" AS (a int)", "CREATE FUNCTION "+f+"("+name+") RETURNS int LANGUAGE sql AS 'SELECT 1'"); err != nil {
		return err
	}
	if _, err := a.tryCommand(ctx, "grant access on function "+f+"("+name+") to "+accomplice); err != nil {
		return err
	}
	return a.runSession(ctx, a.randomHold(), "BEGIN; DROP TYPE "+name+" CASCADE", "COMMIT")
}

// tryRefused runs statements that are for owners only: they must fail before they wait for
// locks.
func (a *analyst) tryRefused(ctx context.Context) error {
	table := "library." + a.randomTable()
	for _, sql := range []string{
		"LOCK TABLE " + table + "__ IN ACCESS EXCLUSIVE MODE", "LOCK TABLE metadb.stream_position", "SELECT FROM " + table + " FOR UPDATE",
		"ALTER TABLE " + table + "__ ADD COLUMN x int", "CREATE INDEX ON " + table + " (seq)", "TRUNCATE " + table, "DROP TABLE " + table + "__",
		"REINDEX TABLE " + table, "VACUUM FULL " + table, "CLUSTER " + table, "CREATE TABLE " + a.newOwnName("child") + " () INHERITS (" + table + ")",
		"CREATE TABLE " + a.newOwnName("fk") + " (id int REFERENCES " + table + " (id))", "CREATE TRIGGER x BEFORE INSERT ON " + table + " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mdbadmin'", "LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE",
		"DROP OWNED BY mdbadmin", "ANALYZE " + table, "SELECT pg_advisory_unlock_all()", "CREATE SCHEMA library2", "COMMENT ON TABLE " + table + " IS 'x'",
	} {
		_ = a.runSession(ctx, 0, sql)
	}
	return nil
}

func (a *analyst) sleep(ctx context.Context) error {
	n := 3 + a.random.IntN(10)
	done := make(chan error, n)
	for range n {
		length := a.randomHold()
		go func() { done <- a.runSession(ctx, length, "SELECT pg_sleep(2)") }()
	}
	var failed error
	for range n {
		if err := <-done; err != nil {
			failed = err
		}
	}
	return failed
}

func (a *analyst) sort(ctx context.Context) error {
	return a.runSession(ctx, 0, "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT md5(i::text) FROM generate_series(1, 100000) AS i ORDER BY 1) AS s")
}

// exhaustLocks takes all of PostgreSQL's locks for a while, in which every table may be late.
func (a *analyst) exhaustLocks(ctx context.Context) error {
	conn, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer a.lateness.hold("")()
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, n := range []int{1000, 100, 10, 1} {
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := conn.Exec(ctx, fmt.Sprintf("SELECT count(pg_advisory_lock(%d, i)) FROM generate_series(%d, %d) AS i", n, i*n, (i+1)*n-1)); err != nil {
				break
			}
		}
	}
	return sleepContext(ctx, a.randomHold()/4)
}

func (a *analyst) serializable(ctx context.Context) error {
	table := a.randomTable()
	defer a.lateness.hold(table)()
	return a.runSession(ctx, a.randomHold(), "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM library."+table+"__")
}

func (a *analyst) savepoints(ctx context.Context) error {
	table := a.newOwnName("deep")
	return a.runSession(ctx, a.randomHold(), "CREATE TABLE "+table+" (id int)", "BEGIN",
		"DO $$BEGIN FOR i IN 1..300 LOOP BEGIN INSERT INTO "+table+" VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END$$")
}

func (a *analyst) notify(ctx context.Context) error {
	return a.runSession(ctx, a.randomHold(), "LISTEN metadb", "BEGIN; SELECT count(pg_notify('metadb', i::text)) FROM generate_series(1, 10000) AS i; COMMIT")
}
