package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"metadb/internal/server"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the program's version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "metadb version "+server.Version)
			return err
		},
	}
}
