package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"metadb/internal/change"
	"metadb/internal/client"
	"metadb/internal/observe/logging"
	"metadb/internal/resync"
)

func endsyncCommand() *cobra.Command {
	var dir string
	var verbose bool
	var o resync.EndsyncOptions
	cmd := &cobra.Command{
		Use:   "endsync -D DIR --source NAME",
		Short: "End the synchronization of a data source, and the rows that are not in it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if verbose {
				o.Logger = slog.New(logging.NewHandler(os.Stderr, slog.LevelInfo))
			}
			f := &terminalPrompter{verbose: verbose}
			counts, err := client.EndsyncOffline(cmd.Context(), dir, f, o)
			err = whileRunning(cmd.Context(), dir, f, !o.Force && !o.DryRun, err, func(c *client.Client) error {
				counts, err = c.Endsync(cmd.Context(), f, o)
				return err
			})
			switch {
			case errors.Is(err, resync.ErrDeclined):
				return declinedError()
			case err != nil:
				return err
			case o.DryRun:
				return printCounts(cmd.OutOrStdout(), counts)
			}
			f.printVerbose("data source %q is synchronized", o.Source)
			return nil
		},
	}
	dirOption(cmd, &dir)
	sourceOption(cmd, &o.Source)
	cmd.Flags().BoolVar(&o.Force, "force", false, "do not ask whether to begin")
	cmd.Flags().BoolVar(&o.ForceUnconfirmed, "force-unconfirmed", false, "end rows also where many have not been confirmed, or events were rejected")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show how many rows would be ended, and change nothing")
	verboseOption(cmd, &verbose)
	return cmd
}

// printCounts prints the rows that endsync would end, one line a table.
func printCounts(out io.Writer, counts []resync.TableCount) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "table\tcurrent\tconfirmed\twould be ended\tfor example")
	for _, c := range counts {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", change.PlainText(c.Table.String()), c.Current, c.Confirmed, c.Unconfirmed(), change.PlainText(strings.Join(c.Sample, " ")))
	}
	return w.Flush()
}
