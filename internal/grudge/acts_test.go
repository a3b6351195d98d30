package grudge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// analyst does what a role may do, at random.
type analyst struct {
	*world
	random *rand.Rand
	// number tells what this one makes from what others make.
	number, made int
}

// act is something that the analyst does, and how often in comparison with others.
type act struct {
	name   string
	weight int
	do     func(*analyst, context.Context) error
}

func acts() []act {
	return []act{
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

// connect opens a session of the analyst's.
func (a *analyst) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=%s sslmode=disable",
		a.db.Cluster.Host(), a.db.Cluster.Port(), analystName, password, a.db.Name))
}

// session carries out statements in a session, and leaves it open for a while. What is refused is
// no failure.
func (a *analyst) session(ctx context.Context, hold time.Duration, statements ...string) error {
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
	return pause(ctx, hold)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// for a while: up to some seconds.
func (a *analyst) while() time.Duration {
	return time.Duration(a.random.IntN(12_000)) * time.Millisecond
}

// own returns a new name in the analyst's schema.
func (a *analyst) own(what string) string {
	a.made++
	return fmt.Sprintf("%s.%s_%d_%d", analystName, what, a.number, a.made)
}

func (a *analyst) table() string { return fmt.Sprintf("t%d", a.random.IntN(tables)) }

func (a *analyst) holdTables(ctx context.Context) error {
	statements, names := []string{"BEGIN"}, []string{}
	for range 1 + a.random.IntN(6) {
		table := a.table()
		names = append(names, table)
		statements = append(statements, "SELECT count(*) FROM library."+table+"__")
	}
	defer a.lateness.hold(names...)()
	return a.session(ctx, a.while(), statements...)
}

func (a *analyst) prepare(ctx context.Context) error {
	table, name := a.table(), fmt.Sprintf("p_%d_%d", a.number, a.made)
	a.made++
	defer a.lateness.hold(table)()
	if err := a.session(ctx, a.while(), "BEGIN; SELECT FROM library."+table+"__; PREPARE TRANSACTION '"+name+"'"); err != nil {
		return err
	}
	return a.session(context.WithoutCancel(ctx), 0, "ROLLBACK PREPARED '"+name+"'")
}

func (a *analyst) lockOwn(ctx context.Context) error {
	table := a.own("mine")
	if err := a.session(ctx, 0, "CREATE TABLE "+table+" (id int)"); err != nil {
		return err
	}
	go func() { _, _ = a.tryAdmin(ctx, "grant access on table "+table+" to "+accomplice) }()
	return a.session(ctx, a.while(), "BEGIN; LOCK TABLE "+table)
}

func (a *analyst) holdGrant(ctx context.Context) error {
	table := a.own("granted")
	if err := a.session(ctx, 0, "CREATE TABLE "+table+" (id int)"); err != nil {
		return err
	}
	if _, err := a.tryAdmin(ctx, "grant access on table "+table+" to "+accomplice); err != nil {
		return err
	}
	return a.session(ctx, a.while()+5*time.Second, "REVOKE SELECT ON "+table+" FROM "+accomplice, "BEGIN; GRANT SELECT ON "+table+" TO public; GRANT USAGE ON SCHEMA "+analystName+" TO public")
}

// lockAdvisory takes the locks that the server is known to have taken once, and all others.
func (a *analyst) lockAdvisory(ctx context.Context) error {
	table := a.table()
	return a.session(ctx, a.while(), "SELECT pg_try_advisory_lock(x'6d6574616462'::bigint)",
		"SELECT pg_advisory_lock(1296393282, hashtext(n)) FROM unnest(ARRAY['library', '\"library\".\"zzz___"+table+"___\"', '\"library\".\""+table+"__\"']) AS n",
		"SELECT count(pg_try_advisory_lock_shared(1296393282, i)) FROM generate_series(1, 500) AS i")
}

func (a *analyst) makeLikeOurs(ctx context.Context) error {
	table, viewed := a.table(), a.table()
	defer a.lateness.hold(table, viewed)()
	return a.session(ctx, a.while(), "BEGIN", "CREATE TABLE "+a.own("like")+" (LIKE library."+table+"__)",
		"CREATE VIEW "+a.own("view")+" AS SELECT * FROM library."+viewed+"__",
		"CREATE TEMP TABLE stage_"+fmt.Sprint(a.made)+" (id int); CREATE TEMP TABLE stream_position (id int)",
		"SAVEPOINT s; CREATE TABLE IF NOT EXISTS "+analystName+".t0__ (id int)")
}

func (a *analyst) dropType(ctx context.Context) error {
	name := a.own("type")
	f := a.own("f")
	if err := a.session(ctx, 0, "CREATE TYPE "+name+" AS (a int)", "CREATE FUNCTION "+f+"("+name+") RETURNS int LANGUAGE sql AS 'SELECT 1'"); err != nil {
		return err
	}
	if _, err := a.tryAdmin(ctx, "grant access on function "+f+"("+name+") to "+accomplice); err != nil {
		return err
	}
	return a.session(ctx, a.while(), "BEGIN; DROP TYPE "+name+" CASCADE", "COMMIT")
}

// tryRefused tries what only owners may do: it must not even wait for the locks.
func (a *analyst) tryRefused(ctx context.Context) error {
	table := "library." + a.table()
	for _, sql := range []string{
		"LOCK TABLE " + table + "__ IN ACCESS EXCLUSIVE MODE", "LOCK TABLE metadb.stream_position", "SELECT FROM " + table + " FOR UPDATE",
		"ALTER TABLE " + table + "__ ADD COLUMN x int", "CREATE INDEX ON " + table + " (seq)", "TRUNCATE " + table, "DROP TABLE " + table + "__",
		"REINDEX TABLE " + table, "VACUUM FULL " + table, "CLUSTER " + table, "CREATE TABLE " + a.own("child") + " () INHERITS (" + table + ")",
		"CREATE TABLE " + a.own("fk") + " (id int REFERENCES " + table + " (id))", "CREATE TRIGGER x BEFORE INSERT ON " + table + " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mdbadmin'", "LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE",
		"DROP OWNED BY mdbadmin", "ANALYZE " + table, "SELECT pg_advisory_unlock_all()", "CREATE SCHEMA library2", "COMMENT ON TABLE " + table + " IS 'x'",
	} {
		_ = a.session(ctx, 0, sql)
	}
	return nil
}

func (a *analyst) sleep(ctx context.Context) error {
	n := 3 + a.random.IntN(10)
	done := make(chan error, n)
	for range n {
		length := a.while()
		go func() { done <- a.session(ctx, length, "SELECT pg_sleep(2)") }()
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
	return a.session(ctx, 0, "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT md5(i::text) FROM generate_series(1, 100000) AS i ORDER BY 1) AS s")
}

// exhaustLocks takes all of PostgreSQL's locks for a while: then every table may be late.
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
	return pause(ctx, a.while()/4)
}

func (a *analyst) serializable(ctx context.Context) error {
	table := a.table()
	defer a.lateness.hold(table)()
	return a.session(ctx, a.while(), "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM library."+table+"__")
}

func (a *analyst) savepoints(ctx context.Context) error {
	table := a.own("deep")
	return a.session(ctx, a.while(), "CREATE TABLE "+table+" (id int)", "BEGIN",
		"DO $$BEGIN FOR i IN 1..300 LOOP BEGIN INSERT INTO "+table+" VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END$$")
}

func (a *analyst) notify(ctx context.Context) error {
	return a.session(ctx, a.while(), "LISTEN metadb", "BEGIN; SELECT count(pg_notify('metadb', i::text)) FROM generate_series(1, 10000) AS i; COMMIT")
}
