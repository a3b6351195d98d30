package pipeline

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/change"
)

// Completion is how it was seen that a snapshot is complete, in the words of
// the log.
type Completion string

// The ways in which a snapshot is seen to be complete.
const (
	LastRecord Completion = "last record received"
	Notified   Completion = "notification received"
	Deadline   Completion = "deadline exceeded"
)

// AllTables stands for the snapshot of a whole data source.
var AllTables = change.Table{}

// snapshots watches for the ends of snapshots.
type snapshots struct {
	deadline time.Duration
	looked   time.Time
	// awaited are those that are expected.
	awaited map[change.Table]*awaited
}

func newSnapshots(deadline time.Duration) snapshots {
	return snapshots{deadline: deadline, looked: time.Now(), awaited: make(map[change.Table]*awaited)}
}

// lookAtSnapshot says that snapshots are complete when they are. b is the batch
// that was applied just now, nil if only time has passed.
func (p *pipeline) lookAtSnapshot(ctx context.Context, b *batch) {
	s := &p.snapshot
	if p.Awaited == nil {
		return
	}
	s.expect(p.Awaited())
	s.pass(time.Now(), p.health.well())
	if b != nil {
		for _, table := range s.applied(b) {
			p.Logger.Info(p.about(table) + "a notification that a snapshot is complete does not count, since that snapshot began before the synchronization")
		}
	}
	for table, a := range s.awaited {
		how, complete := a.complete(s.deadline)
		if !complete {
			continue
		}
		if err := p.Reporter.SnapshotComplete(ctx, a.Awaited, how); err != nil {
			// It is said again with the next look.
			p.Logger.Warn(p.subject() + "remember that the snapshot is complete: " + err.Error())
			continue
		}
		delete(s.awaited, table)
		if table == AllTables {
			p.Logger.Info(fmt.Sprintf("source %q snapshot complete (%s); consider running \"metadb endsync\"", p.Name, how))
		} else {
			p.Logger.Info(fmt.Sprintf("table %s: snapshot complete (%s); consider running \"endsync table\"", table, how))
		}
	}
}

// about begins a line of the log about the snapshot of a table or of all.
func (p *pipeline) about(table change.Table) string {
	if table == AllTables {
		return p.subject()
	}
	return "table " + table.String() + ": "
}

// awaitsEnd reports whether a snapshot is expected that an event may say the end
// of: also of one that is complete, since another attempt may have begun before the event,
// in the same batch. The barrier lets such an event through only after all that the topics held
// when it was read.
func (p *pipeline) awaitsEnd(e *change.Event) bool {
	if p.Awaited == nil {
		return false
	}
	for _, a := range p.Awaited() {
		if a.Table != AllTables || e.Snapshot == change.LastInSnapshot || e.Notice != nil && !e.Notice.Incremental {
			return true
		}
	}
	return false
}

// news returns what a batch tells of the snapshots that are expected, which is
// stored with its rows, and notes in the batch which these are.
func (p *pipeline) news(b *batch) map[change.Table]change.SnapshotNews {
	if p.Awaited == nil {
		return nil
	}
	p.snapshot.expect(p.Awaited())
	b.Observed = p.snapshot.since()
	return p.snapshot.read(b)
}

// expect takes up what is awaited now. What is known of one stays known for as
// long as the same synchronization awaits it.
func (s *snapshots) expect(snapshots []Awaited) {
	now := make(map[change.Table]*awaited, len(snapshots))
	for _, expected := range snapshots {
		known := s.awaited[expected.Table]
		if known == nil || !known.Since.Equal(expected.Since) {
			known = &awaited{Awaited: expected}
			if expected.Notified {
				known.how = Notified
			}
		}
		known.Counts, known.Filled, known.Keeps = expected.Counts, expected.Filled, known.Keeps || expected.Keeps
		now[expected.Table] = known
	}
	s.awaited = now
}

// since returns since when each of the snapshots is expected.
func (s *snapshots) since() map[change.Table]time.Time {
	if len(s.awaited) == 0 {
		return nil
	}
	since := make(map[change.Table]time.Time, len(s.awaited))
	for table, a := range s.awaited {
		since[table] = a.Since
	}
	return since
}

// read returns what a batch tells of the snapshots.
func (s *snapshots) read(b *batch) map[change.Table]change.SnapshotNews {
	var all map[change.Table]change.SnapshotNews
	for table, a := range s.awaited {
		news := a.read(b)
		if (news == change.SnapshotNews{Since: news.Since}) {
			continue
		}
		if all == nil {
			all = make(map[change.Table]change.SnapshotNews)
		}
		all[table] = news
	}
	return all
}

// pass lets time pass, which counts while the stream is active.
func (s *snapshots) pass(now time.Time, active bool) {
	if active {
		for _, a := range s.awaited {
			a.quiet += now.Sub(s.looked)
		}
	}
	s.looked = now
}

// applied notes what a batch that has been applied has told. It returns for which
// synchronizations it told first that an earlier snapshot is complete.
func (s *snapshots) applied(b *batch) (earlier []change.Table) {
	for table, a := range s.awaited {
		if b.marks.of(table).records {
			a.quiet = 0
		}
		early := a.how == "" && a.listen(b.marks.notices, a.Attempts.Now).early
		if news, told := b.Snapshots[table]; told {
			a.hear(news)
		}
		if early && a.how == "" && !a.early {
			a.early = true
			earlier = append(earlier, table)
		}
	}
	return earlier
}
