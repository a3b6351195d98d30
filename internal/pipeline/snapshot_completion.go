package pipeline

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// Completion is the evidence that a snapshot is complete, in the words of the
// log.
type Completion string

// The kinds of evidence that a snapshot is complete.
const (
	LastRecord Completion = "last record received"
	Notified   Completion = "notification received"
	Deadline   Completion = "deadline exceeded"
)

// AllTables stands for the snapshot of a whole data source.
var AllTables = change.Table{}

// snapshotWatch has the expected snapshots, and detects their ends.
type snapshotWatch struct {
	deadline  time.Duration
	lastCheck time.Time
	// expected has the state of each expected snapshot.
	expected map[change.Table]*expectation
}

func newSnapshotWatch(deadline time.Duration) snapshotWatch {
	return snapshotWatch{deadline: deadline, lastCheck: time.Now(), expected: make(map[change.Table]*expectation)}
}

// checkSnapshots reports complete snapshots. b is the batch that has just been
// applied, nil if only time has passed.
func (p *pipeline) checkSnapshots(ctx context.Context, b *batch.Batch) {
	s := &p.snapshots
	if p.ExpectedSnapshots == nil {
		return
	}
	s.setExpected(p.ExpectedSnapshots())
	s.advanceTime(time.Now(), p.health.isHealthy())
	if b != nil {
		for _, table := range s.applyBatchProgress(b) {
			p.Logger.Info(p.snapshotLogPrefix(table) + "a notification that a snapshot is complete does not count, since that snapshot began before the synchronization")
		}
	}
	for table, a := range s.expected {
		how, complete := a.checkComplete(s.deadline)
		if !complete {
			continue
		}
		if err := p.Reporter.SnapshotComplete(ctx, a.ExpectedSnapshot, how); err != nil {
			// It is reported again by the next check.
			p.Logger.Warn(p.logPrefix() + "remember that the snapshot is complete: " + err.Error())
			continue
		}
		delete(s.expected, table)
		if table == AllTables {
			p.Logger.Info(fmt.Sprintf("source %q snapshot complete (%s); consider running \"metadb endsync\"", p.Name, how))
		} else {
			p.Logger.Info(fmt.Sprintf("table %s: snapshot complete (%s); consider running \"endsync table\"", table, how))
		}
	}
}

// snapshotLogPrefix returns the beginning of a log message about the snapshot of a table or
// of the source.
func (p *pipeline) snapshotLogPrefix(table change.Table) string {
	if table == AllTables {
		return p.logPrefix()
	}
	return "table " + table.String() + ": "
}

// expectsSnapshotEnd reports whether an event may end an expected snapshot. That holds for a
// complete one too, since another attempt may have begun before the event, in the same batch.
// The order gate releases such an event only after all records that the lanes had when it
// was read.
func (p *pipeline) expectsSnapshotEnd(e *change.Event) bool {
	if p.ExpectedSnapshots == nil {
		return false
	}
	for _, a := range p.ExpectedSnapshots() {
		if a.Table != AllTables || e.Snapshot == change.LastInSnapshot || e.Notification != nil && !e.Notification.Incremental {
			return true
		}
	}
	return false
}

// observeSnapshots returns the progress of expected snapshots in a batch, which is stored with
// its rows, and sets the expected snapshots of the batch.
func (p *pipeline) observeSnapshots(b *batch.Batch) map[change.Table]change.SnapshotProgress {
	if p.ExpectedSnapshots == nil {
		return nil
	}
	p.snapshots.setExpected(p.ExpectedSnapshots())
	b.ExpectedSince = p.snapshots.expectedSince()
	return p.snapshots.observeBatch(b)
}

// setExpected sets the expected snapshots. The state of a snapshot is kept as long as
// the same synchronization expects it.
func (s *snapshotWatch) setExpected(snapshots []ExpectedSnapshot) {
	now := make(map[change.Table]*expectation, len(snapshots))
	for _, expected := range snapshots {
		known := s.expected[expected.Table]
		if known == nil || !known.Since.Equal(expected.Since) {
			known = &expectation{ExpectedSnapshot: expected}
			if expected.Notified {
				known.completion = Notified
			}
		}
		known.IsCovered, known.HasTables, known.KeepsConfirmed = expected.IsCovered, expected.HasTables, known.KeepsConfirmed || expected.KeepsConfirmed
		now[expected.Table] = known
	}
	s.expected = now
}

// expectedSince returns the time since which each of the snapshots is expected.
func (s *snapshotWatch) expectedSince() map[change.Table]time.Time {
	if len(s.expected) == 0 {
		return nil
	}
	since := make(map[change.Table]time.Time, len(s.expected))
	for table, a := range s.expected {
		since[table] = a.Since
	}
	return since
}

// observeBatch returns the progress of the snapshots in a batch.
func (s *snapshotWatch) observeBatch(b *batch.Batch) map[change.Table]change.SnapshotProgress {
	var all map[change.Table]change.SnapshotProgress
	for table, a := range s.expected {
		news := a.observeBatch(b)
		if (news == change.SnapshotProgress{Since: news.Since}) {
			continue
		}
		if all == nil {
			all = make(map[change.Table]change.SnapshotProgress)
		}
		all[table] = news
	}
	return all
}

// advanceTime advances the time. Only time while the stream is active counts for deadlines.
func (s *snapshotWatch) advanceTime(now time.Time, active bool) {
	if active {
		for _, a := range s.expected {
			a.idleFor += now.Sub(s.lastCheck)
		}
	}
	s.lastCheck = now
}

// applyBatchProgress adds the progress in an applied batch. It returns the tables for which the
// batch is the first to report the end of an earlier snapshot.
func (s *snapshotWatch) applyBatchProgress(b *batch.Batch) (earlier []change.Table) {
	for table, a := range s.expected {
		if b.Signals.SignalsOf(table).HasRecords {
			a.idleFor = 0
		}
		early := a.completion == "" && a.evaluateNotifications(b.Signals.Notifications, a.Attempts.Current).earlierCompleted
		if news, told := b.Snapshots[table]; told {
			a.applyProgress(news)
		}
		if early && a.completion == "" && !a.earlierCompleted {
			a.earlierCompleted = true
			earlier = append(earlier, table)
		}
	}
	return earlier
}
