package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func migrateCommand() *cobra.Command {
	var dir, ldpconf, source string
	cmd := &cobra.Command{
		Use:   "migrate -D DIR --ldpconf FILE --source NAME",
		Short: "Migrate from LDP (not in this version)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("\"migrate\" is not in this version")
		},
	}
	cmd.Flags().StringVarP(&dir, "dir", "D", "", "data directory")
	cmd.Flags().StringVar(&ldpconf, "ldpconf", "", "LDP's configuration file")
	cmd.Flags().StringVar(&source, "source", "", "name of the data source")
	return cmd
}
