package maintenance

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"metadb/internal/backoff"
	"metadb/internal/observe/status"
)

// syncPollInterval is the time between two looks at the sources while a job is paused.
const syncPollInterval = time.Second

// Runner runs jobs, and keeps their state. It is safe for concurrent use.
type Runner struct {
	syncing func() bool
	logger  *slog.Logger
	jobs    []*jobState
}

// jobState is a job with the state of its present and its last run.
type jobState struct {
	job   Job
	mu    sync.Mutex
	state status.Job
	// cancel ends the present run, nil without one.
	cancel context.CancelFunc
}

// NewRunner returns a runner of jobs. The function syncing reports whether a source synchronizes.
func NewRunner(jobs []Job, syncing func() bool, logger *slog.Logger) *Runner {
	r := &Runner{syncing: syncing, logger: logger}
	for _, job := range jobs {
		r.jobs = append(r.jobs, &jobState{job: job, state: status.Job{Name: job.Name, State: status.JobWaiting}})
	}
	return r
}

// Run runs the jobs until ctx ends. It returns when all runs have ended.
func (r *Runner) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, j := range r.jobs {
		running.Go(func() { r.repeat(ctx, j) })
	}
	running.Wait()
	return ctx.Err()
}

// repeat runs a job whenever it is due, until ctx ends.
func (r *Runner) repeat(ctx context.Context, j *jobState) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if j.job.Every == 0 {
		timer.Stop()
	}
	logged := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-j.job.Wake:
		}
		err := r.runOnce(ctx, j)
		if ctx.Err() != nil {
			return
		}
		logged = r.logFailure(logged, err)
		switch {
		case err != nil && j.job.Retry > 0:
			timer.Reset(j.job.Retry)
		case j.job.Every > 0:
			timer.Reset(j.job.Every)
		}
	}
}

// runOnce runs a job once, in a context that Cancel ends.
func (r *Runner) runOnce(ctx context.Context, j *jobState) error {
	pause := func(ctx context.Context) error { return r.pause(ctx, j) }
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j.begin(time.Now(), cancel)
	err := pause(ctx)
	if err == nil {
		err = j.job.Run(ctx, pause)
	}
	j.end(time.Now(), err)
	return err
}

// pause returns when the job may go on, or the error of ctx.
func (r *Runner) pause(ctx context.Context, j *jobState) error {
	for j.job.PausesDuringSync && r.syncing() {
		j.setPaused(true)
		if err := backoff.Sleep(ctx, syncPollInterval); err != nil {
			return err
		}
	}
	j.setPaused(false)
	return ctx.Err()
}

// logFailure logs an error unless it equals the last one, logged. It returns the new last one, ""
// without an error.
func (r *Runner) logFailure(logged string, err error) string {
	if err == nil {
		return ""
	}
	if text := err.Error(); text != logged {
		r.logger.Warn(text)
		return text
	}
	return logged
}

// Cancel ends the present run of a job, which counts as failed; the next run begins as planned. It
// reports false if the job does not run.
func (r *Runner) Cancel(name string) bool {
	for _, j := range r.jobs {
		if j.job.Name == name {
			return j.stop()
		}
	}
	return false
}

// States returns the present state of every job, in the order of the jobs.
func (r *Runner) States() []status.Job {
	states := make([]status.Job, len(r.jobs))
	for i, j := range r.jobs {
		states[i] = j.report()
	}
	return states
}

func (j *jobState) begin(now time.Time, cancel context.CancelFunc) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cancel, j.state.State, j.state.Begun = cancel, status.JobRunning, now.UTC()
}

func (j *jobState) setPaused(paused bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.State = status.JobRunning
	if paused {
		j.state.State = status.JobPaused
	}
}

func (j *jobState) end(now time.Time, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cancel, j.state.State = nil, status.JobWaiting
	j.state.Runs++
	j.state.Seconds, j.state.Message = now.Sub(j.state.Begun).Seconds(), ""
	if err != nil {
		j.state.Failures++
		j.state.Message = err.Error()
	}
}

func (j *jobState) stop() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cancel == nil {
		return false
	}
	j.cancel()
	return true
}

func (j *jobState) report() status.Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state
}
