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

// How often systemd is told how the streams do, and how much longer each time it
// is to wait for the first of them: a broker that is away is no reason to end
// the process.
const (
	notifyInterval = time.Second
	notifyTimeout  = 30 * time.Second
)

// notifier tells systemd that the streams run and that the process is not
// stuck.
type notifier struct {
	socket *sdnotify.Socket
	// ready says what the server is not ready for, reports how the sources do.
	ready   func(ctx context.Context) error
	reports func() []status.Report
	// once is set when readiness has been told: a stream that fails later
	// stays the server's business.
	once   bool
	status string
	logger *slog.Logger
}

// newNotifier returns what tells the socket, nil where nobody listens.
func (s *server) newNotifier(streams *supervisor) *notifier {
	if s.options.Notify == nil {
		return nil
	}
	return &notifier{socket: s.options.Notify, ready: streams.checkReady, reports: streams.registry.Reports, logger: s.logger}
}

// run tells it until ctx ends. That systemd can't be told is logged, once for
// each failure: whether the server ends then is systemd's to say.
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

// notifyOnce tells it once. The reports come first: where they can't be had because
// something is stuck there is no sign of life.
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

// statusLine says how the sources do, for "systemctl status".
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
