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

// Config has the options of a run.
type Config struct {
	// Binary is the metadb program; Self is this program, which runs the broker when called with
	// --broker.
	Binary, Self string
	// Rows is the number of rows of the snapshot, Updates the number of updates after it; the other
	// parts write fractions of both.
	Rows, Updates int
	// Large is the number of rows of the large table.
	Large int
	// Tables is the number of tables in the part "many".
	Tables int
	// Narrow makes rows of 11 columns, with events of 5 KB, instead of 25 columns and 7 KB.
	Narrow bool
	// Rate is the rate of the steady stream, in events a second.
	Rate int
	// Steady is the duration of the steady stream, and of the idle one after it.
	Steady time.Duration
	// Compression is the producer's compression: "none", gzip, snappy, lz4 or zstd.
	Compression string
	// Settings are lines for postgresql.conf, after the benchmark's own.
	Settings []string
	// Only names the part to run; empty for all parts but those on request.
	Only string
	// Results is the folder for the results as CSV and as a chart; empty for no files.
	Results string
	// Check makes a figure that misses its goal an error.
	Check bool
	Out   io.Writer
}

// partTimeout bounds each phase.
const partTimeout = 20 * time.Minute

// benchPart is one part of the benchmark, with a broker, a PostgreSQL and a server of its own.
type benchPart struct {
	name string
	// partitions is the number of partitions of each topic.
	partitions int
	// onRequest keeps a part out of a run of all.
	onRequest bool
	measure   func(*benchSite, context.Context) error
}

// benchParts returns all parts, in the order in which they are measured.
func benchParts() []benchPart {
	return []benchPart{
		{name: "tables", partitions: 1, measure: (*benchSite).measureTables},
		{name: "mixed", partitions: 1, measure: (*benchSite).measureMixed},
		{name: "mappings", partitions: 1, measure: (*benchSite).measureDocuments},
		{name: "partitions", partitions: 4, measure: (*benchSite).measurePartitioned},
		{name: "many", partitions: 1, measure: (*benchSite).measureMany},
		{name: "latency", partitions: 1, measure: (*benchSite).measureLatency},
		{name: "large", partitions: 1, onRequest: true, measure: (*benchSite).measureLarge},
	}
}

// Parts returns the names of the parts, those on request last.
func Parts() []string {
	var names []string
	for _, p := range benchParts() {
		names = append(names, p.name)
	}
	return names
}

// Run measures the parts, prints the results, and writes them to files.
func Run(ctx context.Context, config Config) error {
	var chosen []benchPart
	for _, p := range benchParts() {
		if p.name == config.Only || config.Only == "" && !p.onRequest {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("part %q is none of %v", config.Only, Parts())
	}
	shared := &sharedConfig{config: config, generator: newRowGenerator(config.Narrow)}
	var all partReport
	for _, p := range chosen {
		r, err := shared.runPart(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		all.addReport(r)
	}
	_, _ = fmt.Fprintf(config.Out, "%s", all.limitsText())
	if err := all.writeFiles(config); err != nil {
		return err
	}
	if config.Check {
		return all.checkGoals()
	}
	return nil
}

// sharedConfig has the data that the parts of a run share.
type sharedConfig struct {
	config    Config
	generator *rowGenerator
	// rows has the rows of the yardstick, made by its first use.
	rows *rawStream
}

// runPart measures one part.
func (s *sharedConfig) runPart(ctx context.Context, p benchPart) (r partReport, err error) {
	dir, err := os.MkdirTemp("", "metadb-bench-")
	if err != nil {
		return partReport{}, fmt.Errorf("make a folder: %w", err)
	}
	b := &benchSite{Config: s.config, shared: s, part: p, dir: dir, partReport: partReport{part: p.name}}
	defer func() { err = errors.Join(err, b.closeAll()) }()
	b.printLine("\n%s", p.name)
	if err := b.startAll(ctx); err != nil {
		return partReport{}, err
	}
	if err := p.measure(b, ctx); err != nil {
		return partReport{}, err
	}
	b.printTables(s.config.Out)
	return b.partReport, nil
}

// compressionCodec returns the producer's compression of a name.
func compressionCodec(name string) (kgo.CompressionCodec, error) {
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
