package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"metadb/internal/client"
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
			agree := func(int, int) (bool, error) { return true, nil }
			if !force {
				agree = func(from, to int) (bool, error) {
					return askTerminal(fmt.Sprintf("Upgrade the database from version %d to %d? ", from, to))
				}
			}
			from, to, err := client.Upgrade(cmd.Context(), dir, server.Version, agree)
			switch {
			case errors.Is(err, client.ErrUpgradeDeclined):
				return declinedError()
			case err != nil:
				return err
			case from == to:
				printMessage("%q is up to date", dir)
			case verbose:
				printMessage("the database was upgraded from version %d to %d", from, to)
			}
			return nil
		},
	}
	dirOption(cmd, &dir)
	cmd.Flags().BoolVar(&force, "force", false, "do not ask")
	verboseOption(cmd, &verbose)
	return cmd
}
