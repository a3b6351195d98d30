package command_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"metadb/internal/admin/command"
	"metadb/internal/ident"
	"metadb/internal/resync"
)

// slow is a synchronizer with steps that block until they are released.
type slow struct {
	command.Synchronizer
	begun, release chan struct{}
}

func (s *slow) Abort(context.Context, resync.Target) error {
	close(s.begun)
	<-s.release
	return nil
}

// TestBehindASynchronization executes commands during a long step of a synchronization: commands
// about users do not wait, and those that wait can be canceled.
func TestBehindASynchronization(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("create data source sensor type kafka options (brokers 'b', topics '^t', consumer_group 'g')", "CREATE DATA SOURCE")
	s := &slow{begun: make(chan struct{}), release: make(chan struct{})}
	f.services.Sync = s
	f.Executor = command.New(f.services)
	ended := make(chan error, 1)
	go func() {
		_, err := f.Exec(context.WithoutCancel(t.Context()), f.parse("abort sync data source sensor")[0].Command)
		ended <- err
	}()
	<-s.begun
	user := ident.Name(f.role("hurried")).SQL()
	f.expect("create user "+user+" with password 'p'", "CREATE USER")
	f.expect("list data_sources", "sensor|")
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		_, err := f.Exec(ctx, f.parse("create data origin east")[0].Command)
		waits <- err
	}()
	select {
	case err := <-waits:
		t.Errorf("it did not wait: %v", err)
	case err := <-ended:
		t.Errorf("the synchronization has ended: %v", err)
	default:
	}
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) || command.AsError(err).Code != "57014" {
		t.Error(err)
	}
	close(s.release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.expect("create data origin east", "CREATE DATA ORIGIN")
}

// TestCanceledTooLate cancels a command that has begun to take effect: the stored data sources and
// the running streams stay consistent.
func TestCanceledTooLate(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	for _, query := range []string{
		"create data source sensor type kafka options (brokers 'b', topics '^t', consumer_group 'g')", "drop data source sensor",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		f.late = cancel
		if _, err := f.Exec(ctx, f.parse(query)[0].Command); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		cancel()
	}
	f.late = nil
	if got := strings.Join(f.calls, ", "); got != "start sensor, stop sensor" {
		t.Errorf("calls: %s", got)
	}
	f.expect("list data_sources", "SELECT 0")
}

// cancelLate cancels the command that has called the controller, if late is set.
func (f *fixture) cancelLate(ctx context.Context) {
	if f.late == nil {
		return
	}
	f.late()
	if ctx.Err() != nil {
		f.t.Error("the controller was canceled in the middle")
	}
}
