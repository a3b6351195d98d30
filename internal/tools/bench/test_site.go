package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// sharedBuffers is the benchmark's change of PostgreSQL's defaults: no server for analytics has
// only 128 MB of buffers.
const sharedBuffers = "shared_buffers = 1GB"

// benchSite has the servers and connections of a part, and its results.
type benchSite struct {
	Config
	part    benchPart
	shared  *sharedConfig
	dir     string
	cluster *pgtest.Cluster
	broker  *testbed.Process
	address string
	feed    *eventFeed
	metadb  *testbed.Metadb
	db      *pgx.Conn
	partReport
}

func (b *benchSite) printLine(format string, args ...any) {
	_, _ = fmt.Fprintf(b.Out, format+"\n", args...)
}

// startAll starts PostgreSQL and the broker and installs a server.
func (b *benchSite) startAll(ctx context.Context) (err error) {
	settings := append([]string{sharedBuffers}, b.Settings...)
	if b.cluster, err = pgtest.NewCluster(ctx, pgtest.Options{Durable: true, Settings: settings}); err != nil {
		return err
	}
	if err := b.warmBuffers(ctx); err != nil {
		return err
	}
	if b.broker, err = testbed.StartProcess(b.dir, "broker", b.Self, "--broker", "--partitions", strconv.Itoa(b.part.partitions)); err != nil {
		return err
	}
	err = testbed.Eventually(ctx, time.Minute, "start the broker", func() error {
		address, ok := strings.CutSuffix(b.broker.Tail(), "\n")
		if !ok {
			return errors.New("it has not said its address")
		}
		b.address = address
		return nil
	})
	if err != nil {
		return err
	}
	codec, err := compressionCodec(b.Compression)
	if err != nil {
		return err
	}
	producer, err := testbed.NewProducer(b.address, kgo.ProducerBatchCompression(codec))
	if err != nil {
		return err
	}
	b.feed = &eventFeed{producer: producer}
	binary, err := filepath.Abs(b.Binary)
	if err != nil {
		return err
	}
	if b.metadb, err = testbed.Install(ctx, binary, b.dir, b.cluster, "metadb_bench"); err != nil {
		return err
	}
	b.db, err = pgx.Connect(ctx, b.metadb.Database())
	return err
}

// startSource starts the server and creates the data source that reads the topics of a prefix.
func (b *benchSite) startSource(ctx context.Context, name, prefix string) error {
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	return b.createSource(ctx, name, prefix)
}

// createSource makes a data source, with the prefix of its topics as its consumer
// group.
func (b *benchSite) createSource(ctx context.Context, name, prefix string) error {
	return b.metadb.Exec(ctx, "create data source "+name+" type kafka options (brokers '"+b.address+"', security 'plaintext', topics '^"+prefix+
		`\.', consumer_group '`+prefix+"')")
}

// endInitial ends the initial synchronization of a source, while no server runs.
func (b *benchSite) endInitial(ctx context.Context, source string) error {
	_, err := b.metadb.Run(ctx, "endsync", "-D", "data", "--source", source, "--force")
	return err
}

func (b *benchSite) closeAll() error {
	var errs []error
	if b.db != nil {
		errs = append(errs, b.db.Close(context.Background()))
	}
	if b.metadb != nil {
		errs = append(errs, b.metadb.Close())
	}
	if b.feed != nil {
		b.feed.producer.Close()
	}
	if b.broker != nil {
		errs = append(errs, b.broker.Stop())
	}
	if b.cluster != nil {
		errs = append(errs, b.cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}
