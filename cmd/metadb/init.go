package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"metadb/internal/instance"
)

func initCommand() *cobra.Command {
	var dir string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "init -D DIR",
		Short: "Make a data directory",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := instance.Init(dir); err != nil {
				return err
			}
			if verbose {
				printMessage("data directory made: now edit %s", filepath.Join(dir, "metadb.conf"))
			}
			return nil
		},
	}
	dirOption(cmd, &dir)
	verboseOption(cmd, &verbose)
	return cmd
}
