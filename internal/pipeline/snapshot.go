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

// notifiedGrace is how long no record of the snapshot may have come after a
// notification that it is complete: Debezium sends that one by itself, and may
// overtake the last records.
const notifiedGrace = 10 * time.Second

// snapshots watches for the ends of snapshots.
type snapshots struct {
	deadline time.Duration
	looked   time.Time
	// awaited are those that are expected.
	awaited map[change.Table]*awaited
}

// awaited is one snapshot that is expected.
type awaited struct {
	// quiet is how long the stream has been active without a record of it.
	quiet time.Duration
	// seen says that a record of it has come, how that something has said
	// that it is complete.
	seen bool
	how  Completion
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
		s.applied(&b.marks)
	}
	for table, a := range s.awaited {
		how, complete := a.complete(s.deadline)
		if !complete {
			continue
		}
		if err := p.Reporter.SnapshotComplete(ctx, table, how); err != nil {
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

// awaitsEnd reports whether a snapshot is expected that an event may say the end
// of. The barrier lets such an event through only after all that the topics held
// when it was read.
func (p *pipeline) awaitsEnd(e *change.Event) bool {
	if p.Awaited == nil {
		return false
	}
	for _, table := range p.Awaited() {
		if table != AllTables || e.Snapshot == change.LastInSnapshot || e.Done == change.SnapshotDone {
			return true
		}
	}
	return false
}

// completes returns the tables whose snapshot is complete with a batch, which is
// stored with its rows.
func (p *pipeline) completes(b *batch) map[change.Table]string {
	if !b.marks.end || p.Awaited == nil {
		return nil
	}
	complete := make(map[change.Table]string)
	for _, table := range p.Awaited() {
		if b.marks.of(table).last {
			complete[table] = string(LastRecord)
		}
	}
	return complete
}

// expect takes up what is awaited now.
func (s *snapshots) expect(tables []change.Table) {
	now := make(map[change.Table]*awaited, len(tables))
	for _, table := range tables {
		if now[table] = s.awaited[table]; now[table] == nil {
			now[table] = &awaited{}
		}
	}
	s.awaited = now
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

// applied notes what a batch says about the snapshots.
func (s *snapshots) applied(m *marks) {
	for table, a := range s.awaited {
		said := m.of(table)
		if said.records {
			a.quiet, a.seen = 0, true
		}
		switch {
		case said.last:
			a.say(LastRecord)
		case said.done, table != AllTables && a.seen && (m.all.done || m.incrementalDone):
			a.say(Notified)
		}
	}
}

// say notes that something has said that the snapshot is complete. The mark of
// the last record tells more than a notification.
func (a *awaited) say(how Completion) {
	if a.how != LastRecord {
		a.how = how
	}
}

// complete reports whether the snapshot is complete, and how that is seen.
func (a *awaited) complete(deadline time.Duration) (Completion, bool) {
	switch {
	case a.how == LastRecord, a.how == Notified && a.quiet >= notifiedGrace:
		return a.how, true
	case deadline > 0 && a.quiet >= deadline:
		return Deadline, true
	}
	return "", false
}
