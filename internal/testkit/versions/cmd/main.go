package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"metadb/internal/testkit/versions"
)

func main() {
	binary := flag.String("metadb", "bin/metadb", "the metadb program of the version")
	folder := flag.String("into", "testdata/versions", "the folder of the dumps")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	path, err := versions.Write(ctx, *binary, *folder)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "version-dump: error:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}
