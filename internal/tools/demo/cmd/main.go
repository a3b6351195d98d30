package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"metadb/internal/tools/demo"
)

func main() {
	config := demo.Config{Out: os.Stdout}
	flag.StringVar(&config.Binary, "metadb", "bin/metadb", "the metadb program")
	flag.BoolVar(&config.Once, "once", false, "run through and exit; status 0 only if the tables equal the library's own rows")
	flag.Uint64Var(&config.Seed, "seed", 1, "makes another library")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo.Run(ctx, config)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo: error:", err)
		os.Exit(1)
	}
}
