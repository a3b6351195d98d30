package main

import (
	"errors"

	"github.com/spf13/cobra"

	"metadb/internal/resync"
	"metadb/internal/server"
)

func syncCommand() *cobra.Command {
	var dir string
	var verbose bool
	var o resync.SyncOptions
	cmd := &cobra.Command{
		Use:   "sync -D DIR --source NAME",
		Short: "Begin the synchronization of a data source with a new snapshot",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := server.Sync(cmd.Context(), dir, &front{verbose: verbose}, o)
			if errors.Is(err, resync.ErrDeclined) {
				return nil
			}
			if err == nil && verbose {
				say("data source %q is being synchronized: start the server, and the new connector", o.Source)
			}
			return err
		},
	}
	dirOption(cmd, &dir)
	sourceOption(cmd, &o.Source)
	cmd.Flags().BoolVar(&o.Force, "force", false, "do not ask")
	verboseOption(cmd, &verbose)
	return cmd
}
