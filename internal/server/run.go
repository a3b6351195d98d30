package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"metadb/internal/observe/logging"
	"metadb/internal/observe/sdnotify"
)

// Options are those of "metadb start".
type Options struct {
	// Dir is the data directory.
	Dir string
	// Log is the log file, appended to; if it is empty the log goes to
	// Stderr.
	Log    string
	Stderr io.Writer
	// Reopen says when the log file is to be opened anew, because the old
	// one was moved away, and passwords and certificates read again. Nil is never.
	Reopen <-chan os.Signal
	// Port of the administration port. 0 lets the system choose one.
	Port int
	// Debug logs details.
	Debug bool
	// MemLimit is the soft limit of memory in GiB, 0 for none.
	MemLimit float64
	// Notify is told when the streams run and that the process lives. Nil is
	// nobody.
	Notify *sdnotify.Socket
}

// logCloseTimeout is how long the last lines of the log may take to be stored.
const logCloseTimeout = 2 * time.Second

// Run runs a server until ctx ends, which is not an error, or until it can't go
// on. What is in hand is finished or rolled back before it returns.
func Run(ctx context.Context, o Options) (err error) {
	defer runtime.KeepAlive(limitMemory(o.MemLimit))
	data, err := openDataDir(o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.lock.Release()) }()

	hangup := &hangupActions{}
	out, closeLog, err := openLog(o, hangup)
	if err != nil {
		return err
	}
	defer closeLog()
	defer hangup.runOnSignal(o.Reopen)()
	stored := &logTable{config: data.config}
	table := logging.NewTable(stored.writeLines)
	defer flushLog(ctx, table, stored)
	logger := slog.New(logging.Tee{out, table})
	if o.Log != "" {
		// On standard error the command says it.
		defer func() {
			if err != nil {
				logger.Log(context.WithoutCancel(ctx), logging.LevelFatal, err.Error())
			}
		}()
	}

	logger.Info("starting Metadb " + Version)
	for _, line := range data.config.Warnings() {
		logger.Warn(line)
	}
	warnLowFileLimit(logger)
	s := &server{options: o, dir: data.dir, config: data.config, logger: logger, log: stored, hangup: hangup}
	if err := s.serve(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	logger.Info("stopped Metadb " + Version)
	return nil
}

// openLog returns the handler for the log file, which a hangup opens anew, or standard error.
func openLog(o Options, hangup *hangupActions) (handler slog.Handler, closeLog func(), err error) {
	level := slog.LevelInfo
	if o.Debug {
		level = slog.LevelDebug
	}
	if o.Log == "" {
		return logging.NewHandler(o.Stderr, level), func() {}, nil
	}
	file, err := logging.OpenFile(o.Log)
	if err != nil {
		return nil, nil, err
	}
	handler = logging.NewHandler(file, level)
	logger := slog.New(handler)
	hangup.addAction(func() {
		if err := file.Reopen(); err != nil {
			logger.Error(err.Error())
		}
	})
	return handler, func() { _ = file.Close() }, nil
}

// flushLog stores the last lines of the log. That they can't be stored is no
// matter: they are in the file.
func flushLog(ctx context.Context, table *logging.Table, stored *logTable) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logCloseTimeout)
	defer cancel()
	_ = table.Close(ctx)
	stored.closeConn(ctx)
}
