package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"metadb/internal/client"
	"metadb/internal/resync"
)

func syncCommand() *cobra.Command {
	var dir string
	var verbose, abort bool
	var o resync.SyncOptions
	cmd := &cobra.Command{
		Use:   "sync -D DIR --source NAME",
		Short: "Begin the synchronization of a data source with a new snapshot",
		Long: `Begin the synchronization of a data source with a new snapshot. Where the server
is running, it can be done without stopping it.

The consumer group may have read from the data source's topics already. Then it asks whether
to read them from the beginning: --from-beginning answers yes, --force alone no.

With --abort, leave a synchronization that was begun so, without ending anything.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := &terminalPrompter{verbose: verbose}
			begin := beginSync
			if abort {
				begin = abortSync
			}
			err := begin(cmd.Context(), dir, f, o)
			if errors.Is(err, resync.ErrDeclined) {
				return declinedError()
			}
			return err
		},
	}
	dirOption(cmd, &dir)
	sourceOption(cmd, &o.Source)
	cmd.Flags().BoolVar(&o.Force, "force", false, "do not ask; topics that have been read are not read from the beginning")
	cmd.Flags().BoolVar(&o.FromBeginning, "from-beginning", false, "read topics that have been read from the beginning, and do not ask about it")
	cmd.Flags().BoolVar(&abort, "abort", false, "leave the synchronization instead, without ending anything")
	cmd.MarkFlagsMutuallyExclusive("abort", "from-beginning")
	verboseOption(cmd, &verbose)
	return cmd
}

// beginSync begins a synchronization, whether the server is running or not.
func beginSync(ctx context.Context, dir string, f *terminalPrompter, o resync.SyncOptions) error {
	err := client.SyncOffline(ctx, dir, f, o)
	if err == nil {
		f.printVerbose("data source %q is being synchronized: start the server, and the new connector", o.Source)
		return nil
	}
	err = whileRunning(ctx, dir, f, !o.Force, err, func(c *client.Client) error { return c.Sync(ctx, f, o) })
	if err == nil {
		f.printVerbose("data source %q is being synchronized: start the new connector", o.Source)
	}
	return err
}

// abortSync aborts a synchronization, whether the server is running or not.
func abortSync(ctx context.Context, dir string, f *terminalPrompter, o resync.SyncOptions) error {
	if !o.Force {
		yes, err := f.Ask(resync.Question{Text: "Leave the synchronization of " + o.Target.String() + " without ending anything? "})
		if err != nil {
			return err
		}
		if !yes {
			return resync.ErrDeclined
		}
	}
	err := client.AbortOffline(ctx, dir, resync.AbortOptions{Target: o.Target})
	if err != nil {
		err = whileRunning(ctx, dir, f, false, err, func(c *client.Client) error { return c.Abort(ctx, o.Target) })
	}
	if err == nil {
		f.printVerbose("data source %q is no longer being synchronized", o.Source)
	}
	return err
}
