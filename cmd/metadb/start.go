package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"metadb/internal/server"
)

func startCommand() *cobra.Command {
	o := server.Options{Stderr: os.Stderr}
	cmd := &cobra.Command{
		Use:   "start -D DIR",
		Short: "Start the server, which runs until it is stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			// A second signal ends the process at once.
			context.AfterFunc(ctx, stop)
			return server.Run(ctx, o)
		},
	}
	dirOption(cmd, &o.Dir)
	cmd.Flags().StringVarP(&o.Log, "log", "l", "", "log file, appended to (default standard error)")
	cmd.Flags().IntVarP(&o.Port, "port", "p", 8550, "port for administration")
	cmd.Flags().BoolVar(&o.Debug, "debug", false, "log details")
	cmd.Flags().Float64Var(&o.MemLimit, "memlimit", 1.0, "soft limit of memory, in GiB")
	return cmd
}
