package chaos

import (
	"context"
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
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// environment is everything that can be tortured.
type environment struct {
	t       *testing.T
	random  *rand.Rand
	cluster *pgtest.Cluster
	metadb  *testbed.Metadb
	broker  *kfake.Cluster
	client  *kgo.Client
	// producer is that of the connector.
	producer *producer
	// away says that the broker answers nobody.
	away   atomic.Bool
	source *source
	// partitions is how many each topic begins with.
	partitions int
	// counts has the number of times that each fault was injected.
	counts map[string]int
	// trail has the torments of the round in their order.
	trail []string
	// resynced says that the initial synchronization is over.
	resynced bool
	// kills is how often the server was killed.
	kills int
	// eager says that the server applies tables side by side whenever it can, sessions is
	// how many that took at most.
	eager    bool
	sessions int
}

const database = "metadb_torture"

func newEnvironment(t *testing.T, seed uint64) *environment {
	t.Helper()
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

// stop stops the server with the command for it.
func (w *environment) stop() {
	w.t.Helper()
	if err := w.metadb.Stop(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// kill ends the server as the kernel would.
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

// pause lets everything go on for a random while.
func (w *environment) pause(most time.Duration) {
	timer := time.NewTimer(time.Duration(w.random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.t.Context().Done():
	}
}

// admin carries out a command, as soon as it can be.
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
	if err := w.query(w.t.Context(), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// scan puts the one row of a query into its targets.
func (w *environment) scan(sql string, targets ...any) error {
	conn, err := pgx.Connect(w.t.Context(), w.metadb.Database())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	return conn.QueryRow(w.t.Context(), sql).Scan(targets...)
}
