// Command cmd runs the benchmark: see package bench, and `make bench`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"metadb/internal/bench"
	"metadb/internal/rig"
)

func main() {
	config := bench.Config{Out: os.Stdout}
	broker := flag.Bool("broker", false, "be the broker of a benchmark")
	flag.StringVar(&config.Binary, "metadb", "bin/metadb", "the metadb program")
	flag.IntVar(&config.Rows, "rows", 300_000, "size of the snapshot")
	flag.IntVar(&config.Updates, "updates", 100_000, "updates that follow")
	flag.StringVar(&config.Compression, "compression", "none", "the producer's: none, gzip, snappy, lz4 or zstd")
	flag.StringVar(&config.Only, "only", "", "measure one part only: tables or mappings")
	flag.BoolVar(&config.Check, "check", false, "fail if a ratio is below its goal")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return measure(ctx, config) }
	if *broker {
		run = func() error { return serve(ctx) }
	}
	if err := run(); err != nil {
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

// serve prints the broker's address and is the broker until it is stopped.
func serve(ctx context.Context) error {
	// It holds gigabytes: twice as much would be too much.
	debug.SetGCPercent(20)
	broker, err := rig.NewBroker(1)
	if err != nil {
		return err
	}
	defer broker.Close()
	fmt.Println(broker.Address())
	<-ctx.Done()
	return nil
}
