package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"metadb/internal/instance"
	"metadb/internal/observe/logging"
	"metadb/internal/observe/sdnotify"
)

// Options are the options of "metadb start".
type Options struct {
	// Dir is the data directory.
	Dir string
	// Log is the log file, which is appended to; if it is empty the log is written to Stderr.
	Log    string
	Stderr io.Writer
	// Reopen receives a signal when the log file was moved away and must be opened anew; the
	// configuration is reloaded too. It may be nil.
	Reopen <-chan os.Signal
	// Port is the port of the administration port. The system chooses one if it is 0.
	Port int
	// Debug enables the log level debug.
	Debug bool
	// MemLimit is the soft limit of memory in GiB, 0 for no limit.
	MemLimit float64
	// Notify receives the readiness of the streams and the watchdog's signs of life. It may be
	// nil.
	Notify *sdnotify.Socket
}

// logCloseTimeout bounds the time for storing the last lines of the log.
const logCloseTimeout = 2 * time.Second

// Run runs a server until ctx ends, which is no error, or a part fails. Current batches are
// finished or rolled back before it returns.
func Run(ctx context.Context, o Options) (err error) {
	defer runtime.KeepAlive(limitMemory(o.MemLimit))
	data, err := instance.OpenLocked(o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Lock.Release()) }()

	hangup := &hangupActions{}
	out, closeLog, err := openLog(o, hangup)
	if err != nil {
		return err
	}
	defer closeLog()
	defer hangup.runOnSignal(o.Reopen)()
	stored := &logTable{config: data.Config}
	table := logging.NewTable(stored.writeLines)
	defer flushLog(ctx, table, stored)
	logger := slog.New(logging.Tee{out, table})
	if o.Log != "" {
		// Without a log file, the command prints the error.
		defer func() {
			if err != nil {
				logger.Log(context.WithoutCancel(ctx), logging.LevelFatal, err.Error())
			}
		}()
	}

	logger.Info("starting Metadb " + Version)
	for _, line := range data.Config.Warnings() {
		logger.Warn(line)
	}
	warnLowFileLimit(logger)
	s := &server{options: o, dir: data.Dir, config: data.Config, logger: logger, log: stored, hangup: hangup}
	if err := s.serve(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	logger.Info("stopped Metadb " + Version)
	return nil
}

// openLog returns the handler of the log: the log file, which a hangup reopens, or standard
// error.
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

// flushLog stores the last lines of the log. A failure is ignored, because the log file has them.
func flushLog(ctx context.Context, table *logging.Table, stored *logTable) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logCloseTimeout)
	defer cancel()
	_ = table.Close(ctx)
	stored.closeConn(ctx)
}
