package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"metadb/internal/client"
	"metadb/internal/instance"
)

// Exit statuses of metadb status.
const (
	exitAttention  = 1
	exitNotRunning = 2
)

// exitError is an error with its own exit status. Without a message, the reason has been printed
// already.
type exitError struct {
	status  int
	message string
}

func (e *exitError) Error() string { return e.message }

// Pauses between two queries of the server: for the rate, and with --watch.
const (
	rateInterval  = 500 * time.Millisecond
	watchInterval = 2 * time.Second
)

func statusCommand() *cobra.Command {
	var dir string
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status -D DIR",
		Short: "Show what the server is doing: streams, lag, rejected events, synchronization",
		Long: `Show what the server is doing: streams, lag, rejected events, synchronization.

The exit status is 0 if all is well, 1 if something asks for attention (an error, a
gap, rejected events, a table that is skipped because it has no primary key, a snapshot that
is complete and waits for endsync, a table that needs reading again), and 2 if the server does not run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return showStatus(ctx, cmd.OutOrStdout(), dir, asJSON, watch)
		},
	}
	dirOption(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, or with --watch one a line")
	cmd.Flags().BoolVar(&watch, "watch", false, "show it again every two seconds, until interrupted")
	return cmd
}

// showStatus queries the server twice, for the rate, and with watch repeatedly.
func showStatus(ctx context.Context, out io.Writer, dir string, asJSON, watch bool) error {
	d, err := instance.Open(dir)
	if err != nil {
		return err
	}
	if _, running, err := d.Running(); err != nil {
		return err
	} else if !running {
		return &exitError{exitNotRunning, "the server is not running"}
	}
	client, err := client.Dial(ctx, dir)
	if err != nil {
		return &exitError{exitNotRunning, err.Error()}
	}
	defer client.Close(ctx)
	now, err := client.Overview(ctx, nil)
	if err != nil {
		return err
	}
	interval := rateInterval
	for {
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return nil
		}
		next, err := client.Overview(ctx, now)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		now, interval = next, watchInterval
		if err := printStatus(out, now, asJSON, watch); err != nil {
			return err
		}
		if watch {
			continue
		}
		if !now.IsHealthy() {
			return &exitError{status: exitAttention}
		}
		return nil
	}
}

// printStatus prints one overview.
func printStatus(out io.Writer, o *client.Overview, asJSON, watch bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(o)
	}
	if watch {
		// Move the cursor to the top and clear the screen below it.
		fmt.Fprint(out, "\x1b[H\x1b[J")
	}
	_, err := io.WriteString(out, statusTable(o))
	return err
}
