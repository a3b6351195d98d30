package main

import (
	"github.com/spf13/cobra"

	"metadb/internal/instance"
)

func stopCommand() *cobra.Command {
	var dir string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "stop -D DIR",
		Short: "Stop the server, and return when it has stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := instance.Open(dir)
			if err != nil {
				return err
			}
			stopped, err := d.Stop(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case verbose && stopped:
				say("the server has stopped")
			case verbose:
				say("no server was running")
			}
			return nil
		},
	}
	dirOption(cmd, &dir)
	verboseOption(cmd, &verbose)
	return cmd
}
