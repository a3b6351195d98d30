package torture

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
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"metadb/internal/pgtest"
	"metadb/internal/rig"
)

// world is everything that can be tortured.
type world struct {
	t       *testing.T
	random  *rand.Rand
	cluster *pgtest.Cluster
	metadb  *rig.Metadb
	broker  *kfake.Cluster
	client  *kgo.Client
	// away says that the broker answers nobody.
	away   atomic.Bool
	source *source
	// counts say how often each torment was inflicted.
	counts map[string]int
}

const database = "metadb_torture"

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 0)), counts: make(map[string]int)}
	var err error
	if w.cluster, err = pgtest.NewCluster(t.Context(), pgtest.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cluster.Close() })
	dir := t.TempDir()
	binary := filepath.Join(dir, "metadb")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "metadb/cmd/metadb").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	w.startBroker()
	if w.metadb, err = rig.Install(t.Context(), binary, dir, w.cluster, database); err != nil {
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
	create := fmt.Sprintf("create data source torture type kafka options (brokers '%s', security 'plaintext', topics '^torture\\.', consumer_group 'torture_1')",
		strings.Join(w.broker.ListenAddrs(), ","))
	if err := rig.Eventually(t.Context(), quiet, "create the source", func() error { return w.metadb.Exec(t.Context(), create) }); err != nil {
		t.Fatal(err)
	}
	w.source = newSource(w.random)
	return w
}

// startBroker starts a broker that can be told not to answer.
func (w *world) startBroker() {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(*partitions), topics...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(broker.Close)
	w.broker = broker
	broker.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if w.away.Load() {
			return nil, errors.New("the broker is away"), true
		}
		return nil, nil, false
	})
	w.connect()
	w.t.Cleanup(func() { w.client.Close() })
}

// connect makes a producer that knows all partitions.
func (w *world) connect() {
	if w.client != nil {
		w.client.Close()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.client = client
}

func (w *world) start() {
	w.t.Helper()
	if err := w.metadb.Start(w.t.Context()); err != nil {
		log, _ := w.metadb.Log()
		w.t.Fatalf("%v\n%s", err, log[max(0, len(log)-5000):])
	}
}

// write sends records in their order and waits until the broker has them.
func (w *world) write(records []*kgo.Record) {
	w.t.Helper()
	if err := w.client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// pause lets everything go on for a random while.
func (w *world) pause(most time.Duration) {
	timer := time.NewTimer(time.Duration(w.random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.t.Context().Done():
	}
}

// query runs statements as the superuser.
func (w *world) query(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, w.metadb.Database())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// kill ends the server as the kernel would.
func (w *world) kill() {
	w.t.Helper()
	pid, err := w.metadb.Pid()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	_ = w.metadb.Close()
}

// addPartition gives a topic one more. It has been read by then: where a topic got
// partitions before it was first read, nothing tells the order between them.
func (w *world) addPartition(topic string) {
	w.t.Helper()
	read := "DO $$ BEGIN ASSERT (SELECT count(*) >= 2 FROM metadb.stream_position WHERE topic = '" + topic + "'); END $$"
	err := rig.Eventually(w.t.Context(), quiet, "read "+topic, func() error { return w.query(w.t.Context(), read) })
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := kadm.NewClient(w.client).CreatePartitions(w.t.Context(), 1, topic); err != nil {
		w.t.Fatal(err)
	}
	w.connect()
}
