package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// dirOption adds the option -D, --dir, which is required.
func dirOption(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVarP(dir, "dir", "D", "", "data directory (required)")
	requireOption(cmd, "dir")
}

// sourceOption adds the option --source, which is required.
func sourceOption(cmd *cobra.Command, source *string) {
	cmd.Flags().StringVar(source, "source", "", "name of the data source (required)")
	requireOption(cmd, "source")
}

// verboseOption adds the option -v.
func verboseOption(cmd *cobra.Command, verbose *bool) {
	cmd.Flags().BoolVarP(verbose, "verbose", "v", false, "say what is done")
}

// requireOption makes an option of a command mandatory.
func requireOption(cmd *cobra.Command, name string) {
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Lookup(name).Value.String() == "" {
			return fmt.Errorf("option --%s is required: see \"metadb help %s\"", name, cmd.Name())
		}
		if check == nil {
			return nil
		}
		return check(cmd, args)
	}
}

// printMessage prints a message to standard error.
func printMessage(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "metadb: "+format+"\n", args...)
}
