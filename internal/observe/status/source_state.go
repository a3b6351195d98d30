package status

import (
	"slices"
	"sync"
	"time"

	"metadb/internal/change"
)

// UnknownLag is the lag before its first measurement.
const UnknownLag int64 = -1

// Report is the state of one source at one moment.
type Report struct {
	Name   string
	Stream Stream
	Sync   Sync
	// Lag is the number of records in the source's topics that have not been applied, or
	// UnknownLag.
	Lag int64
	// LastEvent is the source's time of the latest event applied, zero before the first.
	LastEvent time.Time
	// LastSign is when the connector last wrote a heartbeat or an event, zero without heartbeats.
	// Silent is true if that is too long ago.
	LastSign time.Time
	Silent   bool
	// Events counts the events applied since the server started; Rejected is the number of rejected
	// events.
	Events, Rejected int64
	// Message is the present problem, or the condition that the stream waits for; Since is the time
	// at which it first appeared.
	Message string
	// Refreshing is the progress of a refresh of data mappings, zero without one.
	Refreshing Progress
	Since      time.Time
	// Skipped lists the source's tables without a primary key, which are not copied, sorted.
	Skipped []string
	// Confirming is the progress of a resynchronization.
	Confirming Confirming
	// Attempts is the message that the connector has begun its snapshot anew, with the attempts
	// that do not count any more; empty otherwise. Stray is the message about a snapshot outside of
	// a synchronization.
	Attempts, Stray string
	// Refused lists the tables with events that can't be applied, with the reasons, sorted; it is
	// emptied when no rejected event is left.
	Refused []string
	// MissingEvents counts the events lost in gaps, as far as offsets show.
	MissingEvents int64
	// GapTables are the tables that repair every gap when they are read again; empty if the whole
	// source has to be.
	GapTables []change.Table
	// Parked are the tables with events that wait while those of others are applied; Message has
	// the reason.
	Parked []string
	// Faults are the tables that can't be used as they are in the database, including those without
	// events so far; they are also in Parked.
	Faults []TableFault
	// Blockers hold the locks that parked tables, or the whole stream, wait for.
	Blockers []Blocker
	// Compacted lists topics that may lose deletes, empty if there are no such topics.
	Compacted string
	// Columns lists problems with the tables' columns.
	Columns Columns
}

// Source is the state of one source. It is safe for concurrent use.
type Source struct {
	mu        sync.Mutex
	report    Report
	confirmed *ConfirmedRows
	faults    tableFaults
	skipped   SkippedTables
	// gaps are the gaps in the stream, in the order in which they were found.
	gaps []change.Gap
	// changed has the source's time of the last event of each table with events so far.
	changed map[string]time.Time
	// now returns the time; tests replace it.
	now func() time.Time
}

// newSource returns an inactive source.
func newSource(name string, now func() time.Time) *Source {
	return &Source{report: Report{Name: name, Stream: Inactive, Sync: Normal, Lag: UnknownLag}, confirmed: &ConfirmedRows{now: now}, now: now}
}

// ConfirmedRows returns the counts of a resynchronization's rows.
func (s *Source) ConfirmedRows() *ConfirmedRows { return s.confirmed }

// SkippedTables returns the tables without a primary key.
func (s *Source) SkippedTables() *SkippedTables { return &s.skipped }

// Report returns the present state.
func (s *Source) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Refused, r.Parked = slices.Clone(r.Refused), slices.Clone(r.Parked)
	r.Skipped, r.GapTables = s.skipped.sourceNames(), gapTables(s.gaps)
	r.Confirming = s.confirmed.report()
	if r.Silent && r.Stream == Active {
		r.Stream, r.Message, r.Since = Silent, r.SilenceText(), r.LastSign
	}
	s.faults.addTo(&r)
	r.makePlain()
	return r
}

// SetStream sets the stream's state and the message that explains it. Active becomes Gap while
// there are gaps, which only SetGaps removes: the running stream does not repair them.
func (s *Source) SetStream(state Stream, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.gaps) > 0 && state == Active {
		state, message = Gap, gapMessage(s.gaps, s.report.MissingEvents)
	}
	s.report.Stream, s.report.Parked, s.report.Blockers = state, nil, nil
	s.setMessage(message)
}

// SetParked sets the tables with events that wait, and the reason. The stream's state is then
// Error, though other tables go on. Since stays while the tables are the same, even if the reason
// changes.
func (s *Source) SetParked(tables []string, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(tables, s.report.Parked) {
		s.report.Message = message
	}
	s.report.Stream, s.report.Parked, s.report.Blockers = Error, tables, nil
	s.setMessage(message)
}

// SetBlockers sets the blockers until the next state is set. The caller must not use the slice any
// more.
func (s *Source) SetBlockers(all []Blocker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Blockers = all
}

// SetCompacted sets the topics that are compacted.
func (s *Source) SetCompacted(topics string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Compacted = topics
}

func (s *Source) setMessage(message string) {
	if message == s.report.Message {
		return
	}
	s.report.Message, s.report.Since = message, time.Time{}
	if message != "" {
		s.report.Since = s.now()
	}
}

// SetSync sets the state of the synchronization.
func (s *Source) SetSync(state Sync) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Sync = state
}

// SetRefreshing sets the progress of a refresh of data mappings: the table, and the number of rows
// read of all its rows. An empty name means that the refresh is done.
func (s *Source) SetRefreshing(table string, done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Refreshing = Progress{}
	if table != "" {
		s.report.Refreshing = Progress{PhaseRefreshing, table, done, total}
	}
}

// SetLag sets the number of records that wait.
func (s *Source) SetLag(records int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Lag = records
}

// Applied adds the numbers of events that a committed batch applied and rejected; last is their
// latest source time, zero if they have no source time.
func (s *Source) Applied(events, rejected int64, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Events += events
	s.report.Rejected += rejected
	if last.After(s.report.LastEvent) && isPlausible(last, s.now()) {
		s.report.LastEvent = last
	}
}

// maxClockAhead is the greatest time by which a source's time may be ahead of the clock here.
const maxClockAhead = 24 * time.Hour

// isPlausible reports whether a time of the source may be right: a time in the future is useless
// for the age of the last event.
func isPlausible(at, now time.Time) bool { return !at.After(now.Add(maxClockAhead)) }

// SetRejected sets the number of rejected events that are stored.
func (s *Source) SetRejected(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Rejected = n
}

// RejectedRemoved subtracts rejected events that are not stored any more. Without any left, Refused
// becomes empty.
func (s *Source) RejectedRemoved(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report.Rejected = max(0, s.report.Rejected-n); s.report.Rejected == 0 {
		s.report.Refused = nil
	}
}

// Refuse adds a table with events that can't be applied, and the reason. It reports whether the
// list did not contain it.
func (s *Source) Refuse(refusal string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return insertLine(&s.report.Refused, refusal)
}

// insertLine adds a line to a sorted list, and reports whether the list did not contain it.
func insertLine(list *[]string, line string) bool {
	i, found := slices.BinarySearch(*list, line)
	if !found {
		*list = slices.Insert(*list, i, line)
	}
	return !found
}
