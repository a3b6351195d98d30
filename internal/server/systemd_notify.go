package server

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/sdnotify"
	"metadb/internal/observe/status"
)

// notifyInterval is the time between two notifications. notifyTimeout is the time by which each
// of them extends systemd's start timeout until the server is ready: an unreachable broker must
// not end the process.
const (
	notifyInterval = time.Second
	notifyTimeout  = 30 * time.Second
)

// notifier reports to systemd that the streams run and that the process is alive.
type notifier struct {
	socket *sdnotify.Socket
	// ready returns the reason for which the server is not ready, reports the state of the
	// sources.
	ready   func(ctx context.Context) error
	reports func() []status.Report
	// once is set when readiness has been reported: a stream that fails later does not concern
	// systemd.
	once   bool
	status string
	logger *slog.Logger
}

// newNotifier returns a notifier for the socket, nil without one.
func (s *server) newNotifier(streams *supervisor) *notifier {
	if s.options.Notify == nil {
		return nil
	}
	return &notifier{socket: s.options.Notify, ready: streams.checkReady, reports: streams.registry.Reports, logger: s.logger}
}

// run notifies systemd until ctx ends. Each new failure is logged: systemd decides whether the
// server ends then.
func (n *notifier) run(ctx context.Context) error {
	interval := notifyInterval
	if watchdog := n.socket.Watchdog(); watchdog > 0 {
		interval = min(interval, watchdog/3)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var failure string
	for {
		if err := n.notifyOnce(ctx); err != nil && err.Error() != failure {
			failure = err.Error()
			n.logger.Warn(failure)
		}
		select {
		case <-ctx.Done():
			return n.socket.Stopping()
		case <-ticker.C:
		}
	}
}

// notifyOnce sends the notifications once. It reads the reports first: if they block because the
// process is stuck, no sign of life is sent.
func (n *notifier) notifyOnce(ctx context.Context) error {
	line := statusLine(n.reports())
	if err := n.socket.Alive(); err != nil {
		return err
	}
	if !n.once {
		if err := n.ready(ctx); err == nil {
			if err := n.socket.Ready(); err != nil {
				return err
			}
			n.once = true
		} else if err := n.socket.Starting(notifyTimeout); err != nil {
			return err
		}
	}
	if line == n.status {
		return nil
	}
	n.status = line
	return n.socket.Status(line)
}

// statusLine returns the states of the sources, for "systemctl status".
func statusLine(reports []status.Report) string {
	if len(reports) == 0 {
		return "no data source"
	}
	words := make([]string, len(reports))
	for i, r := range reports {
		words[i] = fmt.Sprintf("%s: %s", r.Name, r.Stream)
		if r.Sync != status.Normal {
			words[i] += ", " + string(r.Sync)
		}
		if r.Lag > 0 {
			words[i] += ", " + change.Plural(r.Lag, "event", "events") + " behind"
		}
	}
	return strings.Join(words, "; ")
}
