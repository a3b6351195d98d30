package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// TestKillDuringEndsync kills the server, a process of PostgreSQL, or all of PostgreSQL while
// "endsync data source" ends the rows of many tables, and repeats endsync until it succeeds,
// while changes are written. At any time, each table has all or no rows ended, with one time. At
// the end, the current rows are those of the source.
func TestKillDuringEndsync(t *testing.T) {
	pgtest.SkipShort(t)
	const tables, rows = 30, 500
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	l, step := newLostStreamOn(t, pgtest.NewOn(t, cluster))
	s := unconfirmed(t, step, l.producer, tables, rows)
	k := &endsyncKiller{steps: step, cluster: cluster, shelves: s, random: rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano())))}
	for round, kill := range slices.Repeat([]func(){k.killServer, k.killBackend, k.crashDatabase}, 3) {
		s.change(int64(round))
		k.killDuring(kill)
	}
	var at time.Time
	if err := k.db.Pool.QueryRow(t.Context(), "SELECT endsync_time FROM metadb.resync").Scan(&at); err != nil {
		t.Fatal(err)
	}
	s.change(1000)
	step.admin("endsync data source sensor")
	s.compare(step)
	for table := range s.rows {
		step.await(fmt.Sprintf("SELECT count(*), count(DISTINCT __end), min(__end) FROM %s__ WHERE NOT __current AND id %% %d = 0", shelfName(table), gone),
			fmt.Sprintf("[%d 1 %v]", rows/gone, at))
	}
	step.await("SELECT sync, (SELECT count(*) FROM metadb.resync) FROM metadb.source", "[0 0]")
	step.stop()
}

// endsyncKiller kills processes during endsync.
type endsyncKiller struct {
	*steps
	*shelves
	cluster *pgtest.Cluster
	random  *rand.Rand
	// done is the number of tables with ended rows.
	done int
}

// killDuring runs endsync and kills when the rows of some more tables have ended, but not of all
// tables: a lock on a later table stops endsync.
func (k *endsyncKiller) killDuring(kill func()) {
	k.steps.t.Helper()
	ctx, cancel := context.WithTimeout(k.steps.t.Context(), pace.Hang)
	defer cancel()
	goal := k.done + 1 + k.random.IntN(2)
	gate := k.connect(ctx)
	defer func() { _ = gate.Close(context.WithoutCancel(ctx)) }()
	if _, err := gate.Exec(ctx, "BEGIN; LOCK TABLE "+shelfName(goal+k.random.IntN(2))+"__ IN ROW EXCLUSIVE MODE"); err != nil {
		k.steps.t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- k.m.Exec(ctx, "endsync data source sensor") }()
	for k.countEnded() < goal {
		select {
		case err := <-result:
			k.steps.t.Fatalf("endsync when %d tables had ended: %v", k.done, err)
		default:
		}
	}
	// Kill after a random delay.
	select {
	case <-time.After(time.Duration(k.random.IntN(20)) * time.Millisecond):
	case <-ctx.Done():
	}
	kill()
	err := <-result
	k.steps.t.Logf("killed when %d tables had ended: %v", k.countEnded(), err)
	if err == nil {
		k.steps.t.Error("endsync was through, although a table was locked")
	}
}

// connect connects to the database as a reader.
func (k *endsyncKiller) connect(ctx context.Context) *pgx.Conn {
	k.steps.t.Helper()
	conn, err := pgx.Connect(ctx, k.db.ConnString)
	if err != nil {
		k.steps.t.Fatal(err)
	}
	return conn
}

// countEnded reads all tables, as readers do, and returns the number of tables with ended rows,
// which must not decrease.
func (k *endsyncKiller) countEnded() int {
	k.steps.t.Helper()
	ctx := k.steps.t.Context()
	conn := k.connect(ctx)
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tables, err := k.shelves.look(ctx, conn)
	if err != nil {
		k.steps.t.Fatal(err)
	}
	done := 0
	for table, seen := range tables {
		all := seen.current + seen.ended
		switch {
		case seen.ended == all:
			done++
		case seen.current != all:
			k.steps.t.Errorf("%s is half-ended: %+v", shelfName(table), seen)
		}
	}
	if done < k.done {
		k.steps.t.Errorf("%d tables had ended, now %d", k.done, done)
	}
	k.done = done
	return done
}

// killServer kills the server and starts it again.
func (k *endsyncKiller) killServer() {
	kill(k.steps.t, k.m)
	k.start()
}

// killBackend kills the PostgreSQL process that serves endsync. PostgreSQL then ends all its
// sessions, and recovers.
func (k *endsyncKiller) killBackend() {
	ctx := k.steps.t.Context()
	witness := k.connect(ctx)
	defer func() { _ = witness.Close(ctx) }()
	var number int
	// The process of the most recently used connection; any other would do, because all of them
	// end.
	err := witness.QueryRow(ctx, `SELECT pid FROM pg_stat_activity
		WHERE usename = 'mdbadmin' AND backend_type = 'client backend' ORDER BY state = 'active' DESC, state_change DESC LIMIT 1`).Scan(&number)
	if err != nil {
		k.steps.t.Fatal(err)
	}
	if err := syscall.Kill(number, syscall.SIGKILL); err != nil {
		k.steps.t.Fatal(err)
	}
	err = testbed.Eventually(ctx, pace.Hang, "end all connections", func() error {
		if witness.Ping(ctx) == nil {
			return errors.New("they live")
		}
		return nil
	})
	if err != nil {
		k.steps.t.Fatal(err)
	}
	k.awaitRecovery()
}

// crashDatabase ends PostgreSQL as a power failure does.
func (k *endsyncKiller) crashDatabase() {
	if err := k.cluster.Crash(); err != nil {
		k.steps.t.Fatal(err)
	}
	if err := k.cluster.Start(k.steps.t.Context()); err != nil {
		k.steps.t.Fatal(err)
	}
	k.awaitRecovery()
}

// awaitRecovery waits until the server and PostgreSQL answer.
func (k *endsyncKiller) awaitRecovery() {
	k.steps.t.Helper()
	k.db.Pool.Reset()
	err := testbed.Eventually(k.steps.t.Context(), pace.Hang, "recover", func() error {
		conn, err := k.m.Admin(k.steps.t.Context())
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(k.steps.t.Context()) }()
		_, err = conn.Exec(k.steps.t.Context(), "list status")
		if err != nil {
			return err
		}
		return k.db.Pool.Ping(k.steps.t.Context())
	})
	if err != nil {
		k.steps.t.Fatal(err)
	}
}
