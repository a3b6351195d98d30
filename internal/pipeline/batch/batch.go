package batch

import "metadb/internal/change"

// Batch is a batch on its way to be applied.
type Batch struct {
	change.Batch
	// Bytes is the approximate memory of the events.
	Bytes int
	// LastTime is the latest source time, zero without one.
	LastTime change.Micros
	// Signals are the signals of snapshots in its records.
	Signals Signals
	// AttemptRecords are the records of snapshot attempts in it.
	AttemptRecords AttemptRecords
	// Failure is the failure of applying it as a share, nil if that was not tried.
	Failure error
	// Years are the years of its events. LockFailures counts failures for lack of locks.
	Years        Years
	LockFailures int
}

// NewAfter returns an empty batch with room for as many events as the last one had.
func NewAfter(last *Batch) *Batch {
	n := len(last.Events)
	return &Batch{Batch: change.Batch{Events: make([]change.Event, 0, n+n/8)}}
}

// NoteEvent adds an event's time and snapshot signals to the batch.
func (b *Batch) NoteEvent(e *change.Event) {
	b.LastTime = max(b.LastTime, e.Time)
	b.Signals.AddEvent(e)
	b.AttemptRecords.AddEvent(e)
}
