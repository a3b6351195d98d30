package status

import (
	"slices"
	"sync"
	"time"

	"metadb/internal/change"
)

// UnknownLag stands for a lag that nobody has measured yet.
const UnknownLag int64 = -1

// Report is the state of one source at one moment.
type Report struct {
	Name   string
	Stream Stream
	Sync   Sync
	// Lag is how many records the source's topics hold that have not been
	// applied, or UnknownLag.
	Lag int64
	// LastEvent is the source's time of the latest event applied, zero
	// before the first.
	LastEvent time.Time
	// LastSign is when the connector last wrote a heartbeat or an event, zero where there
	// are no heartbeats. Silent says that this is too long ago.
	LastSign time.Time
	Silent   bool
	// Events counts the events applied since the server started, Rejected
	// those set aside.
	Events, Rejected int64
	// Message says what is wrong or waited for; Since when it was first said.
	Message string
	// Refreshing says how far a refresh of data mappings has come, empty if
	// there is none.
	Refreshing string
	Since      time.Time
	// Skipped lists the source's tables that have no primary key, so that they are
	// not copied, sorted.
	Skipped []string
	// Confirming is how far a resynchronization has come.
	Confirming Confirming
	// Attempts says that the connector has begun its snapshot anew, and what does not count
	// any more; empty if it has not. Stray says that a snapshot has come while no
	// synchronization was on.
	Attempts, Stray string
	// Refused lists the tables whose events can't be applied, with the
	// reasons, sorted; until none of their events is rejected any more.
	Refused []string
	// MissingEvents counts what a gap has lost, as far as offsets tell.
	MissingEvents int64
	// GapTables are those that mend every gap when they are read again; empty if the
	// whole source has to be.
	GapTables []change.Table
	// Parked names the tables whose events wait while those of others are
	// applied, and Message says why; empty if there are none.
	Parked []string
	// Faults says which tables can't be used as the database has them, also
	// where no event has come for them yet; they are among Parked.
	Faults []TableFault
	// Blockers are those that hold the locks which parked tables, or the whole
	// stream, wait for.
	Blockers []Blocker
	// Compacted names topics that may lose deletes, empty if there are none.
	Compacted string
	// Columns is what is known of the tables' columns.
	Columns Columns
}

// Source is the state of one source. It is safe for concurrent use.
type Source struct {
	mu         sync.Mutex
	report     Report
	confirming confirmingState
	faults     tableFaults
	skipped    skippedTables
	// gaps are those in the stream, in the order in which they were found.
	gaps []change.Gap
	// tables are those that events have come for.
	tables map[string]*tableState
	// now tells the time; tests replace it.
	now func() time.Time
}

// Report returns the state at this moment.
func (s *Source) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Refused, r.Parked = slices.Clone(r.Refused), slices.Clone(r.Parked)
	r.Skipped, r.GapTables = s.skipped.sourceNames(), gapTables(s.gaps)
	r.Confirming = s.confirming.reportAt(s.now())
	if r.Silent && r.Stream == Active {
		r.Stream, r.Message, r.Since = Silent, r.SilenceText(), r.LastSign
	}
	s.faults.addTo(&r)
	r.makePlain()
	return r
}

// SetStream sets the stream's state and the message that explains it. A gap
// stays until ClearGap: a stream that goes on does not mend it.
func (s *Source) SetStream(state Stream, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.gaps) > 0 && state == Active {
		state, message = Gap, gapMessage(s.gaps, s.report.MissingEvents)
	}
	s.report.Stream, s.report.Parked, s.report.Blockers = state, nil, nil
	s.setMessage(message)
}

// SetParked says that the events of some tables wait, and why: the stream is in
// error, though others go on. They wait since they were named first, though the reason
// may change.
func (s *Source) SetParked(tables []string, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(tables, s.report.Parked) {
		s.report.Message = message
	}
	s.report.Stream, s.report.Parked, s.report.Blockers = Error, tables, nil
	s.setMessage(message)
}

// SetBlockers says who holds the locks that are waited for, until the next state is
// set. The caller does not use the slice any more.
func (s *Source) SetBlockers(all []Blocker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Blockers = all
}

// SetCompacted names the topics that are compacted.
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

// SetRefreshing sets what is said of a refresh of data mappings.
func (s *Source) SetRefreshing(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Refreshing = text
}

// SetLag sets how many records are waiting.
func (s *Source) SetLag(records int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Lag = records
}

// Applied counts events that a committed batch applied and rejected; last is
// the latest source time among them, zero if none has one.
func (s *Source) Applied(events, rejected int64, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Events += events
	s.report.Rejected += rejected
	if last.After(s.report.LastEvent) && s.isPlausible(last) {
		s.report.LastEvent = last
	}
}

// maxClockAhead is how far ahead of the clock here a time of a source may be.
const maxClockAhead = 24 * time.Hour

// isPlausible reports whether a time of the source may be right: what comes from the future says
// nothing of how late the stream is.
func (s *Source) isPlausible(at time.Time) bool { return !at.After(s.now().Add(maxClockAhead)) }

// SetRejected sets the number of rejected events that are stored.
func (s *Source) SetRejected(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Rejected = n
}

// RejectedRemoved says that some rejected events are stored no more.
func (s *Source) RejectedRemoved(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report.Rejected = max(0, s.report.Rejected-n); s.report.Rejected == 0 {
		s.report.Refused = nil
	}
}

// Refuse lists a table whose events can't be applied, and why. It reports whether
// that is new to the list.
func (s *Source) Refuse(refusal string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return insertLine(&s.report.Refused, refusal)
}

// insertLine adds a line to a sorted list that lacks it, and reports whether it did.
func insertLine(list *[]string, line string) bool {
	i, found := slices.BinarySearch(*list, line)
	if !found {
		*list = slices.Insert(*list, i, line)
	}
	return !found
}
