package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config says what is measured.
type Config struct {
	// Binary is the metadb program; Self is this program, which is the broker
	// when called with --broker.
	Binary, Self string
	// Rows is the size of the snapshot, Updates how many updates follow; what the
	// other parts write is a share of these.
	Rows, Updates int
	// Large is how many rows the large table has.
	Large int
	// Tables is how many tables take turns in the part of many.
	Tables int
	// Narrow makes rows of 11 columns, whose events have 5 KB, instead of 25 and 7
	// KB.
	Narrow bool
	// Rate is that of the steady stream, in events a second.
	Rate int
	// Steady is how long the stream is steady, and afterwards idle, for latency.
	Steady time.Duration
	// Compression is the producer's: none, gzip, snappy, lz4 or zstd.
	Compression string
	// Settings are lines for postgresql.conf, after the benchmark's own.
	Settings []string
	// Only names the part that is measured; empty for all but those that are
	// measured on request only.
	Only string
	// Results is the folder that the results are written to, as CSV and as a
	// chart; empty for none.
	Results string
	// Check makes a figure that misses its goal an error.
	Check bool
	Out   io.Writer
}

// limit bounds each phase.
const limit = 20 * time.Minute

// part is one of the things that are measured, with a broker, a PostgreSQL and a
// server of its own.
type part struct {
	name string
	// partitions is how many partitions each topic has.
	partitions int
	// onRequest keeps a part out of a run of all.
	onRequest bool
	measure   func(*bench, context.Context) error
}

// parts are all parts, in the order in which they are measured.
func parts() []part {
	return []part{
		{name: "tables", partitions: 1, measure: (*bench).tables},
		{name: "mixed", partitions: 1, measure: (*bench).mixed},
		{name: "mappings", partitions: 1, measure: (*bench).documents},
		{name: "partitions", partitions: 4, measure: (*bench).partitioned},
		{name: "many", partitions: 1, measure: (*bench).many},
		{name: "latency", partitions: 1, measure: (*bench).latency},
		{name: "large", partitions: 1, onRequest: true, measure: (*bench).large},
	}
}

// Parts returns the names of the parts, those on request last.
func Parts() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// Run measures, prints what comes out, and writes it to files.
func Run(ctx context.Context, config Config) error {
	var chosen []part
	for _, p := range parts() {
		if p.name == config.Only || config.Only == "" && !p.onRequest {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("part %q is none of %v", config.Only, Parts())
	}
	shared := &shared{config: config, generator: newGenerator(config.Narrow)}
	var all report
	for _, p := range chosen {
		r, err := shared.run(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		all.add(r)
	}
	_, _ = fmt.Fprintf(config.Out, "%s", all.limits())
	if err := all.write(config); err != nil {
		return err
	}
	if config.Check {
		return all.check()
	}
	return nil
}

// shared is what the parts of a run have in common.
type shared struct {
	config    Config
	generator *generator
	// rows are the rows of the yardstick, made when first needed.
	rows *raw
}

// run measures one part.
func (s *shared) run(ctx context.Context, p part) (r report, err error) {
	dir, err := os.MkdirTemp("", "metadb-bench-")
	if err != nil {
		return report{}, fmt.Errorf("make a folder: %w", err)
	}
	b := &bench{Config: s.config, shared: s, part: p, dir: dir, report: report{part: p.name}}
	defer func() { err = errors.Join(err, b.close()) }()
	b.say("\n%s", p.name)
	if err := b.build(ctx); err != nil {
		return report{}, err
	}
	if err := p.measure(b, ctx); err != nil {
		return report{}, err
	}
	b.print(s.config.Out)
	return b.report, nil
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
