package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"metadb/internal/testkit/testbed"
	"metadb/internal/tools/bench"
)

func main() {
	config := bench.Config{Out: os.Stdout}
	broker := flag.Bool("broker", false, "be the broker of a benchmark")
	partitions := flag.Int("partitions", 1, "partitions of each of the broker's topics")
	flag.StringVar(&config.Binary, "metadb", "bin/metadb", "the metadb program")
	flag.IntVar(&config.Rows, "rows", 300_000, "size of the snapshot")
	flag.IntVar(&config.Updates, "updates", 100_000, "updates that follow")
	flag.IntVar(&config.Large, "large", 10_000_000, "size of the large table")
	flag.IntVar(&config.Tables, "tables", 200, "tables of the part many")
	flag.BoolVar(&config.Narrow, "narrow", false, "rows of 11 columns, with events of 5 KB, instead of 25 and 7 KB; the rows have 1.2 KB both")
	flag.IntVar(&config.Rate, "rate", 500, "events a second of the part latency")
	flag.DurationVar(&config.Steady, "steady", 20*time.Second, "how long the stream is steady, and then idle, for latency")
	flag.StringVar(&config.Compression, "compression", "none", "the producer's: none, gzip, snappy, lz4 or zstd")
	flag.StringVar(&config.Only, "only", "", "measure one part only: "+strings.Join(bench.Parts(), ", ")+" (large takes a quarter of an hour, and is measured only so)")
	flag.StringVar(&config.Results, "results", "", "folder for the results as CSV and SVG")
	flag.BoolVar(&config.Check, "check", false, "fail if a figure misses its goal")
	flag.Func("set", "a setting of PostgreSQL, as in --set max_wal_size=4GB; can be repeated", func(setting string) error {
		name, value, ok := strings.Cut(setting, "=")
		if !ok {
			return fmt.Errorf("%q is no name=value", setting)
		}
		config.Settings = append(config.Settings, name+" = '"+strings.ReplaceAll(value, "'", "''")+"'")
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	run := func() error { return measure(ctx, config) }
	if *broker {
		run = func() error { return serve(ctx, *partitions) }
	}
	err := run()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, config bench.Config) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	config.Self = self
	return bench.Run(ctx, config)
}

// serve runs the broker until it is stopped, and prints its address.
func serve(ctx context.Context, partitions int) error {
	// The broker holds gigabytes of records, and its answers are short-lived: the collector reuses
	// memory before the heap grows.
	debug.SetGCPercent(3)
	broker, err := testbed.NewBroker(partitions)
	if err != nil {
		return err
	}
	defer broker.Close()
	fmt.Println(broker.Address())
	<-ctx.Done()
	return nil
}
