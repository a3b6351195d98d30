package status

import (
	"slices"
	"time"

	"metadb/internal/change"
)

// JobPhase is what a periodic job does at the moment.
type JobPhase string

// These are the phases of a job.
const (
	// JobWaiting: the job waits until it is due.
	JobWaiting JobPhase = "waiting"
	// JobRunning: the job works.
	JobRunning JobPhase = "running"
	// JobPaused: the job is due, and waits until no source synchronizes.
	JobPaused JobPhase = "paused"
)

// Job is the state of a periodic job at one moment.
type Job struct {
	Name  string   `json:"name"`
	State JobPhase `json:"state"`
	// Begun is the begin of the present or the last run, zero before the first.
	Begun time.Time `json:"begun,omitzero"`
	// Seconds is the duration of the last run that has ended.
	Seconds float64 `json:"seconds"`
	// Runs counts the runs that have ended since the server started, Failures those that failed.
	Runs     int64 `json:"runs"`
	Failures int64 `json:"failures"`
	// Message is the error of the last run, empty if it succeeded.
	Message string `json:"message,omitempty"`
}

// SetJobs sets a function that returns the states of the periodic jobs.
func (r *Registry) SetJobs(states func() []Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs = states
}

// Jobs returns the state of every periodic job, without control characters.
func (r *Registry) Jobs() []Job {
	r.mu.Lock()
	states := r.jobs
	r.mu.Unlock()
	if states == nil {
		return nil
	}
	jobs := slices.Clone(states())
	for i := range jobs {
		jobs[i].Message = change.PlainText(jobs[i].Message)
	}
	return jobs
}

// IsSynchronizing reports whether a source, or one of its tables, is being synchronized.
func (r *Registry) IsSynchronizing() bool {
	return slices.ContainsFunc(r.Reports(), func(report Report) bool {
		return report.Sync != Normal || report.Confirming.Known || report.Confirming.Ending != ""
	})
}
