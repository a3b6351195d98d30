package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"metadb/internal/instance"
)

func stopCommand() *cobra.Command {
	var dir string
	var verbose bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "stop -D DIR",
		Short: "Stop the server, and return when it has stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := instance.Open(dir)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			stopped, err := d.Stop(ctx)
			if err != nil {
				return err
			}
			switch {
			case verbose && stopped:
				printMessage("the server has stopped")
			case verbose:
				printMessage("no server was running")
			}
			return nil
		},
	}
	dirOption(cmd, &dir)
	verboseOption(cmd, &verbose)
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long to wait for the server, which goes on stopping after that")
	return cmd
}
