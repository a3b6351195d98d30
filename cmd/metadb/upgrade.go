package main

import (
	"github.com/spf13/cobra"

	"metadb/internal/server"
)

func upgradeCommand() *cobra.Command {
	var dir string
	var force, verbose bool
	cmd := &cobra.Command{
		Use:   "upgrade -D DIR",
		Short: "Bring the database to this program's version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !force {
				if yes, err := ask("Upgrade the database? "); err != nil || !yes {
					return err
				}
			}
			from, to, err := server.Upgrade(cmd.Context(), dir)
			if err != nil {
				return err
			}
			switch {
			case from == to:
				say("the database has version %d already", to)
			case verbose:
				say("the database was upgraded from version %d to %d", from, to)
			}
			return nil
		},
	}
	dirOption(cmd, &dir)
	cmd.Flags().BoolVar(&force, "force", false, "do not ask")
	verboseOption(cmd, &verbose)
	return cmd
}
