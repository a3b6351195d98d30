package main

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/client"
	"metadb/internal/instance"
	"metadb/internal/resync"
)

// whileRunning repeats a command on the running server if it failed because a server runs on the
// data directory. If asked is set, the administrator must agree first. Any other failure is
// returned.
func whileRunning(ctx context.Context, dir string, f *terminalPrompter, asked bool, failure error, do func(*client.Client) error) error {
	var running *instance.RunningError
	if !errors.As(failure, &running) {
		return failure
	}
	if asked {
		yes, err := f.Ask(resync.Question{Text: "The server is running: synchronize without stopping it? "})
		if errors.Is(err, resync.ErrNoTerminal) {
			return fmt.Errorf("%w, and no terminal is attached to ask whether to synchronize without stopping it: use --force", failure)
		}
		if err != nil {
			return err
		}
		if !yes {
			return resync.ErrDeclined
		}
	}
	client, err := client.Dial(ctx, dir)
	if err != nil {
		return err
	}
	defer client.Close(ctx)
	return do(client)
}
