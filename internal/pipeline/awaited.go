package pipeline

import (
	"time"

	"metadb/internal/change"
)

// Awaited is a snapshot that is expected and has not been seen complete yet.
type Awaited struct {
	// Table is what it is of; AllTables for the data source.
	Table change.Table
	// Since says which synchronization awaits it: when that began, zero for
	// the initial one.
	Since time.Time
	// Seen and Notified are what earlier runs have been told of it. Of that of
	// the data source it does not matter whether any record has come.
	Seen, Notified bool
	// Counts reports whether a record at a position is about it: a backlog
	// from before the synchronization is about earlier ones. Nil is always.
	Counts func(change.Position) bool
	// Before is a snapshot that was under way when the synchronization began,
	// as far as is known. Some of its rows did not count, and so its end does
	// not.
	Before change.SnapshotID
}

// counts reports whether any of the records is about the snapshot.
func (a *Awaited) counts(records []change.Position) bool {
	for _, at := range records {
		if a.Counts == nil || a.Counts(at) {
			return true
		}
	}
	return false
}

// awaited is what is known of a snapshot that is expected.
type awaited struct {
	Awaited
	// quiet is how long the stream has been active without a record of it.
	quiet time.Duration
	// how is how something has said that it is complete; empty until then.
	how Completion
}

// notifiedGrace is how long no record of the snapshot may have come after a
// notification that it is complete: Debezium sends that one by itself, and may
// overtake the last records.
const notifiedGrace = 10 * time.Second

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

// read returns what a batch tells of the snapshot that is not known yet.
func (a *awaited) read(b *batch) change.SnapshotNews {
	news, said := change.SnapshotNews{Since: a.Since}, b.marks.of(a.Table)
	if said.records && !a.Seen && a.Table != AllTables {
		for i := range b.Events {
			e := &b.Events[i]
			if e.Snapshot != change.Streamed && e.Table == a.Table && a.counts([]change.Position{e.Position}) {
				news.Seen = true
				break
			}
		}
	}
	news.Before = a.before(b)
	if a.ends(said.last, news.Before) {
		news.Complete = string(LastRecord)
	}
	// What does not name its tables is about a table that is being read.
	unnamed := a.Table != AllTables && (a.Seen || news.Seen) &&
		(a.counts(b.marks.all.done) || a.counts(b.marks.incrementalDone))
	news.Notified = a.how == "" && (unnamed || a.counts(said.done))
	return news
}

// before returns the snapshot of which a batch has rows that do not count; zero if
// it has none.
func (a *awaited) before(b *batch) change.SnapshotID {
	var id change.SnapshotID
	if a.Counts == nil || !b.marks.all.records {
		return id
	}
	for i := range b.Events {
		e := &b.Events[i]
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental && !a.Counts(e.Position) {
			id.LSN, id.Time = max(id.LSN, e.LSN), max(id.Time, e.Time)
		}
	}
	return id
}

// ends reports whether one of the records with a mark of the last is that of the
// snapshot.
func (a *awaited) ends(last []lastRecord, before change.SnapshotID) bool {
	for _, record := range last {
		if a.counts([]change.Position{record.Position}) && !a.Before.Covers(record.id) && !before.Covers(record.id) {
			return true
		}
	}
	return false
}

// hear takes up what a batch that has been applied told.
func (a *awaited) hear(news change.SnapshotNews) {
	if !a.Since.Equal(news.Since) {
		return
	}
	a.Seen = a.Seen || news.Seen
	a.Before.LSN, a.Before.Time = max(a.Before.LSN, news.Before.LSN), max(a.Before.Time, news.Before.Time)
	if news.Notified {
		a.say(Notified)
	}
	if news.Complete != "" {
		a.say(Completion(news.Complete))
	}
}
