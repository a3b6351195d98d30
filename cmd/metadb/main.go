package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"metadb/internal/instance"
)

func main() { os.Exit(runCommand(context.Background(), os.Args[1:])) }

// runCommand runs one command line and returns the exit status.
func runCommand(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := instance.IgnoreLibpq()
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		exit = &exitError{status: 1}
	case exit.message == "":
		return exit.status
	}
	fmt.Fprintf(os.Stderr, "metadb: error: %v\n", err)
	return exit.status
}

// newRoot returns the command with all subcommands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "metadb",
		Short:         "Metadb keeps current rows and history of other databases in PostgreSQL",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if flags := cmd.Flags(); !cmd.HasParent() && flags.NArg() > 0 {
			// The option follows an unknown command.
			return fmt.Errorf("unknown command %q for \"metadb\"", flags.Arg(0))
		}
		return err
	})
	root.AddCommand(
		initCommand(),
		startCommand(),
		stopCommand(),
		statusCommand(),
		syncCommand(),
		endsyncCommand(),
		upgradeCommand(),
		migrateCommand(),
		versionCommand(),
	)
	return root
}
