package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// environment has the server and everything around it that faults are injected into.
type environment struct {
	t       *testing.T
	random  *rand.Rand
	cluster *pgtest.Cluster
	metadb  *testbed.Metadb
	broker  *kfake.Cluster
	client  *kgo.Client
	// producer is the connector's.
	producer *producer
	// away is true while the broker refuses all requests.
	away   atomic.Bool
	source *source
	// partitions is the number of partitions that a topic begins with.
	partitions int
	// counts has the number of times that each fault was injected.
	counts map[string]int
	// trail has the faults of the round in their order.
	trail []string
	// resynced is true once the initial synchronization has ended.
	resynced bool
	// kills is the number of times that the server was killed.
	kills int
	// eager is true if the server applies tables in parallel whenever it can; sessions is the
	// highest number of sessions that did.
	eager    bool
	sessions int
}

const database = "metadb_torture"

func newEnvironment(t *testing.T, seed uint64) *environment {
	t.Helper()
	pgtest.SkipShort(t)
	w := &environment{t: t, random: rand.New(rand.NewPCG(seed, 0)), counts: make(map[string]int), partitions: *partitions}
	if w.partitions == 0 {
		w.partitions = 1 + int(seed%3)
	}
	var err error
	if w.cluster, err = pgtest.NewCluster(t.Context(), pgtest.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cluster.Close() })
	dir := t.TempDir()
	binary := filepath.Join(dir, "metadb")
	tags := ""
	if w.eager = seed%2 == 1; w.eager {
		tags = "eager"
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-o", binary, "metadb/cmd/metadb").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	w.startBroker()
	if w.metadb, err = testbed.Install(t.Context(), binary, dir, w.cluster, database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.metadb.Close()
		if t.Failed() {
			log, _ := w.metadb.Log()
			t.Log(log[max(0, len(log)-20_000):])
		}
	})
	w.start()
	w.source = newSource(w.random)
	w.createTopics(w.source.topics()...)
	w.admin(fmt.Sprintf("create data source torture type kafka options (brokers '%s', security 'plaintext', topics '^%s\\.', consumer_group '%s')",
		strings.Join(w.broker.ListenAddrs(), ","), w.source.prefix(), w.source.group()))
	return w
}

func (w *environment) start() {
	w.t.Helper()
	if err := w.metadb.Start(w.t.Context()); err != nil {
		log, _ := w.metadb.Log()
		w.t.Fatalf("%v\n%s", err, log[max(0, len(log)-5000):])
	}
}

// stop stops the server with "metadb stop".
func (w *environment) stop() {
	w.t.Helper()
	if err := w.metadb.Stop(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// kill kills the server with SIGKILL.
func (w *environment) kill() {
	w.t.Helper()
	pid, err := w.metadb.Pid()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	_ = w.metadb.Close()
	w.kills++
}

// pause waits for a random time.
func (w *environment) pause(most time.Duration) {
	timer := time.NewTimer(time.Duration(w.random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.t.Context().Done():
	}
}

// admin runs a command, and tries again until it succeeds.
func (w *environment) admin(statement string) {
	w.t.Helper()
	if err := testbed.Eventually(w.t.Context(), quietTime, statement, func() error { return w.metadb.Exec(w.t.Context(), statement) }); err != nil {
		w.t.Fatal(err)
	}
}

// query runs statements as the superuser.
func (w *environment) query(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, w.metadb.Database())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (w *environment) sql(statement string) {
	w.t.Helper()
	for {
		err := w.query(w.t.Context(), statement)
		// The server's transaction and the statement may lock rows in different orders.
		const deadlock = "40P01"
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == deadlock {
			continue
		}
		if err != nil {
			w.t.Fatalf("%s: %v", statement, err)
		}
		return
	}
}

// scan scans the single row of a query.
func (w *environment) scan(sql string, targets ...any) error {
	conn, err := pgx.Connect(w.t.Context(), w.metadb.Database())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	return conn.QueryRow(w.t.Context(), sql).Scan(targets...)
}
