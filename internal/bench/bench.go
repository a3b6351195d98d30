package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/pgtest"
	"metadb/internal/rig"
)

// Config says what is measured.
type Config struct {
	// Binary is the metadb program; Self is this program, which is the broker
	// when called with --broker.
	Binary, Self string
	// Rows is the size of the snapshot, Updates how many updates follow.
	Rows, Updates int
	// Compression is the producer's: none, gzip, snappy, lz4 or zstd.
	Compression string
	// Only is the part that is measured, Tables or Mappings; empty for both.
	Only string
	// Check makes a ratio below its goal an error.
	Check bool
	Out   io.Writer
}

// The parts of the benchmark.
const (
	// Tables are a table of many columns: snapshot, updates, resynchronization.
	Tables = "tables"
	// Mappings is a table of documents, without and with JSON mappings.
	Mappings = "mappings"
)

// limit bounds each phase.
const limit = 20 * time.Minute

// result is one line of the table.
type result struct {
	name string
	rows int
	took time.Duration
	// goal is the least ratio to the yardstick, zero for one itself.
	goal float64
	// yardstick is a rate, zero where it is that of the first line.
	yardstick float64
	// memory is the server's peak, in bytes, zero where no server ran.
	memory int64
	// cpu is the processor time that the programs used, from their start, for
	// so many applied events.
	cpu     cpu
	applied int
}

func (r result) rate() float64 { return float64(r.rows) / r.took.Seconds() }

// Run measures and prints the table.
func Run(ctx context.Context, config Config) (err error) {
	if config.Only != "" && config.Only != Tables && config.Only != Mappings {
		return fmt.Errorf("part %q is none of %s, %s", config.Only, Tables, Mappings)
	}
	dir, err := os.MkdirTemp("", "metadb-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	b := &bench{Config: config, dir: dir}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.build(ctx); err != nil {
		return err
	}
	results, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if config.Only == Mappings {
		return b.print(results)
	}
	return errors.Join(b.print(results), b.endsync(ctx))
}

// bench is everything that a run needs.
type bench struct {
	Config
	dir     string
	cluster *pgtest.Cluster
	broker  *rig.Process
	address string
	feed    *feed
	metadb  *rig.Metadb
	db      *pgx.Conn
	// updated says how often each row has been updated, streamed how many
	// events the first topics have.
	updated  []int
	streamed int
}

func (b *bench) build(ctx context.Context) (err error) {
	if b.cluster, err = pgtest.NewCluster(ctx, pgtest.Options{Durable: true}); err != nil {
		return err
	}
	if b.broker, err = rig.StartProcess(b.dir, "broker", b.Self, "--broker"); err != nil {
		return err
	}
	err = rig.Eventually(ctx, time.Minute, "start the broker", func() error {
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
	codec, err := codec(b.Compression)
	if err != nil {
		return err
	}
	producer, err := rig.NewProducer(b.address, kgo.ProducerBatchCompression(codec))
	if err != nil {
		return err
	}
	b.feed = &feed{generator: newGenerator(), producer: producer}
	binary, err := filepath.Abs(b.Binary)
	if err != nil {
		return err
	}
	if b.metadb, err = rig.Install(ctx, binary, b.dir, b.cluster, "metadb_bench"); err != nil {
		return err
	}
	b.db, err = pgx.Connect(ctx, b.metadb.Database())
	return err
}

// codec returns the producer's compression of a name.
func codec(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("compression %q is none of none, gzip, snappy, lz4, zstd", name)
}

func (b *bench) close() error {
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

// print prints the table, and checks the ratios if that is wanted.
func (b *bench) print(results []result) error {
	_, _ = fmt.Fprintf(b.Out, "\n%-28s %9s %9s %9s %7s %6s %9s  %s\n", "", "rows", "seconds", "rows/s", "ratio", "goal", "peak RSS", "CPU µs a row: server + PostgreSQL + broker")
	var short []error
	for _, r := range results {
		if r.yardstick == 0 {
			r.yardstick = results[0].rate()
		}
		ratio := r.rate() / r.yardstick
		goal, memory, used := "", "", ""
		if r.goal > 0 {
			goal = fmt.Sprintf("%.2f", r.goal)
		}
		if r.memory > 0 {
			memory = fmt.Sprintf("%d MB", r.memory>>20)
			used = r.cpu.perRow(r.applied)
		}
		_, _ = fmt.Fprintf(b.Out, "%-28s %9d %9.1f %9.0f %7.2f %6s %9s  %s\n", r.name, r.rows, r.took.Seconds(), r.rate(), ratio, goal, memory, used)
		if b.Check && ratio < r.goal {
			short = append(short, fmt.Errorf("%s: ratio %.2f is below %.2f", r.name, ratio, r.goal))
		}
	}
	return errors.Join(short...)
}
