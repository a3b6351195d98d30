package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"metadb/internal/observe/sdnotify"
	"metadb/internal/server"
)

func startCommand() *cobra.Command {
	o := server.Options{Stderr: os.Stderr}
	var uuopt bool
	cmd := &cobra.Command{
		Use:   "start -D DIR",
		Short: "Start the server, which runs until it is stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Notify, err = sdnotify.Open(os.Getenv); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Notify.Close()) }()
			if uuopt {
				printMessage("--uuopt is accepted for scripts of Metadb 1.x and has no effect: unchanged rows never make a version")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			// A second signal ends the process immediately.
			context.AfterFunc(ctx, stop)
			// As in other servers, SIGHUP does not end the process: it reopens the log file,
			// after that was moved away, and reloads the configuration.
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			o.Reopen = hangup
			return server.Run(ctx, o)
		},
	}
	dirOption(cmd, &o.Dir)
	cmd.Flags().StringVarP(&o.Log, "log", "l", "", "log file, appended to, opened anew with SIGHUP (default standard error)")
	cmd.Flags().IntVarP(&o.Port, "port", "p", 8550, "port for administration")
	cmd.Flags().BoolVar(&o.Debug, "debug", false, "log details")
	cmd.Flags().Float64Var(&o.MemLimit, "memlimit", 1.0, "soft limit of memory, in GiB")
	cmd.Flags().BoolVar(&uuopt, "uuopt", false, "without effect; accepted for scripts of Metadb 1.x")
	return cmd
}
