package pipeline

import (
	"context"
	"fmt"
	"maps"
	"time"

	"metadb/internal/change"
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
	// quietSince is when the last snapshot record was applied, or the
	// stream began.
	quietSince time.Time
	// targets are the ends that the topics had when the mark "last" was
	// applied; the snapshot is complete when they are reached. Nil before.
	targets map[change.Partition]int64
	// marked says that the mark was applied and targets are still to be had.
	marked bool
	now    func() time.Time
}

func newSnapshot(awaited bool, deadline time.Duration) snapshot {
	return snapshot{awaited: awaited, deadline: deadline, quietSince: time.Now(), now: time.Now}
}

// lookAtSnapshot says that the snapshot is complete when it is. b is the batch
// that was applied just now, nil if only time has passed.
func (p *pipeline) lookAtSnapshot(ctx context.Context, b *batch, committed map[change.Partition]int64) {
	s := &p.snapshot
	if !s.awaited {
		return
	}
	if b != nil {
		s.applied(b)
	}
	if s.marked {
		// The mark may come before other partitions' records of the same
		// snapshot: whatever the topics hold now has to be applied first.
		ends, err := p.Source.Ends(ctx)
		if err != nil {
			return // asked again with the next tick
		}
		s.marked, s.targets = false, ends
	}
	how, complete := s.complete(committed)
	if !complete {
		return
	}
	if err := p.Reporter.SnapshotComplete(ctx, how); err != nil {
		p.Logger.Warn(p.subject() + "remember that the snapshot is complete: " + err.Error())
		return
	}
	s.awaited = false
	p.Logger.Info(fmt.Sprintf("source %q snapshot complete (%s); consider running \"metadb endsync\"", p.Name, how))
}

// applied notes what a batch says about the snapshot.
func (s *snapshot) applied(b *batch) {
	if b.inSnapshot {
		s.quietSince = s.now()
	}
	if b.endsSnapshot {
		s.marked = true
	}
}

// complete reports whether the snapshot is complete, and how that is seen.
func (s *snapshot) complete(committed map[change.Partition]int64) (Completion, bool) {
	maps.DeleteFunc(s.targets, func(part change.Partition, end int64) bool {
		return end == 0 || committed[part] >= end
	})
	switch {
	case s.targets != nil && len(s.targets) == 0:
		return LastRecord, true
	case s.deadline > 0 && s.now().Sub(s.quietSince) >= s.deadline:
		return Deadline, true
	}
	return "", false
}
