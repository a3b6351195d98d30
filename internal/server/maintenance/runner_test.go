package maintenance

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/observe/status"
)

// startJobs runs jobs until the test ends.
func startJobs(t *testing.T, syncing func() bool, logger *slog.Logger, jobs ...Job) *Runner {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r, done := NewRunner(jobs, syncing, logger), make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the runner ended with %v", err)
		}
	})
	return r
}

func never() bool { return false }

// expectState checks the state of a job, without its times.
func expectState(t *testing.T, r *Runner, index int, want status.Job) {
	t.Helper()
	synctest.Wait()
	got := r.States()[index]
	got.Begun, got.Seconds = time.Time{}, 0
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestLongJob checks a job that takes minutes: it waits while a source synchronizes, before it begins
// and between two steps, it can be cancelled, and other jobs go on meanwhile.
func TestLongJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var syncing atomic.Bool
		var steps, others atomic.Int64
		syncing.Store(true)
		long := Job{Name: "long", Every: time.Hour, PausesDuringSync: true, Run: func(ctx context.Context, pause func(context.Context) error) error {
			for range 10 {
				if err := pause(ctx); err != nil {
					return err
				}
				select {
				case <-time.After(time.Minute):
				case <-ctx.Done():
					return ctx.Err()
				}
				steps.Add(1)
			}
			return nil
		}}
		short := Job{Name: "short", Every: time.Second, Run: once(func(context.Context) error { others.Add(1); return nil })}
		r := startJobs(t, syncing.Load, slog.New(slog.DiscardHandler), long, short)

		time.Sleep(10*time.Minute + time.Second/2)
		expectState(t, r, 0, status.Job{Name: "long", State: status.JobPaused})
		if steps.Load() != 0 || others.Load() != 601 {
			t.Errorf("%d steps, %d runs of the other job", steps.Load(), others.Load())
		}
		syncing.Store(false)
		time.Sleep(2*time.Minute + 30*time.Second)
		expectState(t, r, 0, status.Job{Name: "long", State: status.JobRunning})
		if steps.Load() != 2 {
			t.Errorf("%d steps after the synchronization", steps.Load())
		}
		syncing.Store(true) // the present step ends, the next one waits
		time.Sleep(10 * time.Minute)
		expectState(t, r, 0, status.Job{Name: "long", State: status.JobPaused})
		if steps.Load() != 3 {
			t.Errorf("%d steps in the next synchronization", steps.Load())
		}
		if !r.Cancel("long") || r.Cancel("none") {
			t.Error("the run could not be cancelled")
		}
		expectState(t, r, 0, status.Job{Name: "long", State: status.JobWaiting, Runs: 1, Failures: 1, Message: "context canceled"})
		if r.Cancel("long") {
			t.Error("a job without a run was cancelled")
		}
		syncing.Store(false)
		time.Sleep(time.Hour + 10*time.Minute + time.Second/2)
		expectState(t, r, 0, status.Job{Name: "long", State: status.JobWaiting, Runs: 2, Failures: 1})
		if got := r.States()[0]; steps.Load() != 13 || got.Seconds != 600 {
			t.Errorf("%d steps, the last run took %v s", steps.Load(), got.Seconds)
		}
	})
}

// TestFailureIsLoggedOnce checks that a failure is tried again soon, and logged again only after
// another one or a success.
func TestFailureIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := []error{errors.New("first"), errors.New("first"), errors.New("second"), nil, errors.New("second")}
		var log bytes.Buffer
		run := 0
		job := Job{Name: "job", Every: time.Hour, Retry: time.Minute, Run: once(func(context.Context) error {
			if run++; run > len(results) {
				return nil
			}
			return results[run-1]
		})}
		r := startJobs(t, never, slog.New(slog.NewTextHandler(&log, nil)), job)
		time.Sleep(3*time.Minute + time.Second)
		expectState(t, r, 0, status.Job{Name: "job", State: status.JobWaiting, Runs: 4, Failures: 3})
		time.Sleep(time.Hour)
		expectState(t, r, 0, status.Job{Name: "job", State: status.JobWaiting, Runs: 5, Failures: 4, Message: "second"})
		if text := log.String(); strings.Count(text, "msg=first") != 1 || strings.Count(text, "msg=second") != 2 || strings.Count(text, "\n") != 3 {
			t.Errorf("the log has\n%s", text)
		}
	})
}

// TestWake checks that a job without an interval runs only on request.
func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		r := startJobs(t, never, slog.New(slog.DiscardHandler), Job{Name: "job", Wake: wake, Run: once(func(context.Context) error { return nil })})
		time.Sleep(24 * time.Hour)
		expectState(t, r, 0, status.Job{Name: "job", State: status.JobWaiting})
		wake <- struct{}{}
		expectState(t, r, 0, status.Job{Name: "job", State: status.JobWaiting, Runs: 1})
	})
}
