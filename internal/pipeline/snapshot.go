package pipeline

import (
	"context"
	"fmt"
	"time"
)

// Completion is how it was seen that a snapshot is complete, in the words of
// the log.
type Completion string

// The two ways in which a snapshot is seen to be complete.
const (
	LastRecord Completion = "last record received"
	Deadline   Completion = "deadline exceeded"
)

// snapshot watches for the end of a snapshot.
type snapshot struct {
	awaited  bool
	deadline time.Duration
	// quiet is how long the stream has been active without a record of a
	// snapshot, up to looked.
	quiet  time.Duration
	looked time.Time
	// last says that the record with the mark "last" was applied. The
	// barrier let it through only after all that the topics held when it
	// was read, so that this is applied too.
	last bool
}

func newSnapshot(awaited bool, deadline time.Duration) snapshot {
	return snapshot{awaited: awaited, deadline: deadline, looked: time.Now()}
}

// lookAtSnapshot says that the snapshot is complete when it is. b is the batch
// that was applied just now, nil if only time has passed.
func (p *pipeline) lookAtSnapshot(ctx context.Context, b *batch) {
	s := &p.snapshot
	if !s.awaited {
		return
	}
	s.pass(time.Now(), p.health.well())
	if b != nil {
		s.applied(b)
	}
	how, complete := s.complete()
	if !complete {
		return
	}
	if err := p.Reporter.SnapshotComplete(ctx, how); err != nil {
		// It is said again with the next look.
		p.Logger.Warn(p.subject() + "remember that the snapshot is complete: " + err.Error())
		return
	}
	s.awaited = false
	p.Logger.Info(fmt.Sprintf("source %q snapshot complete (%s); consider running \"metadb endsync\"", p.Name, how))
}

// pass lets time pass, which counts while the stream is active.
func (s *snapshot) pass(now time.Time, active bool) {
	if active {
		s.quiet += now.Sub(s.looked)
	}
	s.looked = now
}

// applied notes what a batch says about the snapshot.
func (s *snapshot) applied(b *batch) {
	if b.inSnapshot {
		s.quiet = 0
	}
	s.last = s.last || b.endsSnapshot
}

// complete reports whether the snapshot is complete, and how that is seen.
func (s *snapshot) complete() (Completion, bool) {
	switch {
	case s.last:
		return LastRecord, true
	case s.deadline > 0 && s.quiet >= s.deadline:
		return Deadline, true
	}
	return "", false
}
