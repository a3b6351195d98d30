package pipeline

import (
	"time"

	"metadb/internal/change"
)

// Awaited is the snapshot of a synchronization.
type Awaited struct {
	// Table is what it is of; AllTables for the data source.
	Table change.Table
	// Since says which synchronization awaits it: when that began, zero for
	// the initial one.
	Since time.Time
	// Begun and Notified are what earlier runs have been told of it.
	Begun    change.Begun
	Notified bool
	// Counts reports whether a record at a position is about it: a backlog
	// from before the synchronization is about earlier ones. Nil is always: what
	// confirms nothing may have begun at any time.
	Counts func(change.Position) bool
	// Before is a snapshot that was under way when the synchronization began,
	// as far as is known. Some of its rows did not count, and so its end does
	// not.
	Before change.SnapshotID
	// Complete says that it has been seen complete: what ends is not looked for any more,
	// unless a later attempt begins.
	Complete bool
	// Attempts is what is known of its attempts.
	Attempts change.Attempts
	// Keeps says that the ids of confirmed rows are kept, Filled that the source has
	// tables already.
	Keeps, Filled bool
}

// counts reports whether a record is about the snapshot.
func (a *Awaited) counts(record change.Position) bool { return a.Counts == nil || a.Counts(record) }

// awaited is what is known of a snapshot that is expected.
type awaited struct {
	Awaited
	// quiet is how long the stream has been active without a record of it.
	quiet time.Duration
	// how is how something has said that it is complete; empty until then.
	how Completion
	// early says that it was told that an earlier one has ended.
	early bool
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
	case a.Complete:
		return "", false
	case a.how == LastRecord, a.how == Notified && a.quiet >= notifiedGrace:
		return a.how, true
	case deadline > 0 && a.quiet >= deadline:
		return Deadline, true
	}
	return "", false
}

// read returns what a batch tells of the snapshot that is not known yet.
func (a *awaited) read(b *batch) change.SnapshotNews {
	news := change.SnapshotNews{Since: a.Since, Before: a.before(b)}
	attempts, anew := a.attempts(b)
	if attempts != a.Attempts {
		news.Attempts, news.Noted, news.Anew = attempts, true, anew
	}
	if (anew || !a.Complete && a.how != LastRecord) && a.ends(b.marks.of(a.Table).last, attempts.Now, news.Before) {
		news.Complete = string(LastRecord)
	}
	heard := a.listen(b.marks.notices, attempts.Now)
	if heard.begun != a.Begun {
		news.Begun = heard.begun
	}
	news.Notified = (anew || !a.Complete && a.how == "") && heard.ended
	foreign := anew && a.Filled && (a.Attempts.Now.Known() || !a.Attempts.Adopts)
	news.Keeps = !a.Keeps && (foreign || a.strays(b, attempts.Now))
	return news
}

// strays reports whether a batch has rows of the snapshot that its present attempt does
// not confirm.
func (a *awaited) strays(b *batch, now change.Attempt) bool {
	if a.Table != AllTables || !now.Known() {
		return false
	}
	for i := range b.Events {
		if e := &b.Events[i]; e.Op == change.Upsert && !now.Confirms(e) {
			return true
		}
	}
	return false
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
// snapshot's present attempt.
func (a *awaited) ends(last []lastRecord, now change.Attempt, before change.SnapshotID) bool {
	for _, record := range last {
		if a.counts(record.Position) && now.Same(record.attempt) && !a.Before.Covers(record.id) && !before.Covers(record.id) {
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
	if news.Begun != (change.Begun{}) {
		a.Begun = news.Begun
	}
	if news.Anew {
		a.how, a.early, a.Notified, a.Complete, a.quiet = "", false, false, false, 0
	}
	if news.Noted {
		a.Attempts = news.Attempts
	}
	a.Keeps = a.Keeps || news.Keeps
	a.Before.LSN, a.Before.Time = max(a.Before.LSN, news.Before.LSN), max(a.Before.Time, news.Before.Time)
	if news.Notified {
		a.say(Notified)
	}
	if news.Complete != "" {
		a.say(Completion(news.Complete))
	}
}
