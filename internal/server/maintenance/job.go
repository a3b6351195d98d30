package maintenance

import (
	"context"
	"time"
)

// Job is one kind of periodic work.
type Job struct {
	// Name is the job's name in the status, the metrics and [Runner.Cancel].
	Name string
	// Every is the time between two runs; the first begins with the server. A job without it runs
	// only for Wake.
	Every time.Duration
	// Retry is the time to the next run after a failed one, Every if it is 0.
	Retry time.Duration
	// Wake begins a run in between; it may be nil.
	Wake <-chan struct{}
	// PausesDuringSync keeps a run from beginning while a source synchronizes, and has it wait in
	// pause. Work that reads whole tables would see a moment that no source had.
	PausesDuringSync bool
	// Run does the work once. It calls pause between two steps, if it takes longer than a moment:
	// pause returns when the job may go on, or the error of ctx, which ends when the server stops or
	// the run is cancelled.
	Run func(ctx context.Context, pause func(context.Context) error) error
}

// once returns a Run for work that has no steps.
func once(do func(context.Context) error) func(context.Context, func(context.Context) error) error {
	return func(ctx context.Context, _ func(context.Context) error) error { return do(ctx) }
}
