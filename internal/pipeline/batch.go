package pipeline

import "metadb/internal/change"

// batch is a batch on its way to be applied.
type batch struct {
	change.Batch
	// bytes is the approximate memory of the events.
	bytes int
	// lastTime is the latest source time, zero without one.
	lastTime change.Micros
	// signals are the signals of snapshots in its records.
	signals snapshotSignals
	// attemptRecords are the records of snapshot attempts in it.
	attemptRecords attemptRecords
	// failure is the failure of applying it as a share, nil if that was not tried.
	failure error
	// years are the years of its events. lockFailures counts failures for lack of locks.
	years        batchYears
	lockFailures int
}

// newBatchAfter returns an empty batch with room for as many events as the last one had.
func newBatchAfter(last *batch) *batch {
	n := len(last.Events)
	return &batch{Batch: change.Batch{Events: make([]change.Event, 0, n+n/8)}}
}

// noteEvent adds an event's time and snapshot signals to the batch.
func (b *batch) noteEvent(e *change.Event) {
	b.lastTime = max(b.lastTime, e.Time)
	b.signals.addEvent(e)
	b.attemptRecords.addEvent(e)
}
