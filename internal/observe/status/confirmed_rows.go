package status

import (
	"fmt"
	"time"
)

// Confirming is how far a resynchronization has come.
type Confirming struct {
	// Known says that the rows have been counted: there is nothing to show
	// otherwise.
	Known bool
	// Confirmed of Current rows are confirmed; the others would end now. Between two
	// counts more may be confirmed than is known.
	Confirmed, Current int64
	// PerSecond is how many rows were confirmed in a second lately, Left how
	// long it will take at this rate; 0 if nobody can tell.
	PerSecond float64
	Left      time.Duration
	// Ending names the table whose rows endsync ends, empty if it does not;
	// Ended of ToEnd have ended.
	Ending       string
	Ended, ToEnd int64
}

// Unconfirmed is how many rows would end if the synchronization were ended now.
func (c Confirming) Unconfirmed() int64 { return max(0, c.Current-c.Confirmed) }

// String says it in one line, empty where there is nothing to say.
func (c Confirming) String() string {
	if c.Ending != "" {
		return fmt.Sprintf("ending rows: %d of %d, %s", c.Ended, c.ToEnd, c.Ending)
	}
	if !c.Known {
		return ""
	}
	line := fmt.Sprintf("%d of %d rows confirmed, %d not (would end now)", c.Confirmed, c.Current, c.Unconfirmed())
	if c.PerSecond >= 1 {
		line += fmt.Sprintf(", %.0f rows/s", c.PerSecond)
	}
	if c.Left >= time.Second {
		line += fmt.Sprintf(", about %s left", c.Left.Round(time.Second))
	}
	return line
}

// rateWindow is over how long the rate is taken, at least.
const rateWindow = 20 * time.Second

// confirmingState counts rows.
type confirmingState struct {
	Confirming
	// seen counts the confirmations since the first count.
	seen int64
	// The rate is taken from the older of two marks; the newer one takes its
	// place when it is as old as the window.
	older, newer rateSample
}

// rateSample is how many confirmations there had been at a time.
type rateSample struct {
	at   time.Time
	seen int64
}

// SetConfirming sets how many rows there are and are confirmed, as counted.
func (s *Source) SetConfirming(current, confirmed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirming.setCounts(s.now(), current, confirmed)
}

// setCounts begins with what was counted at a time.
func (c *confirmingState) setCounts(now time.Time, current, confirmed int64) {
	mark := rateSample{at: now}
	*c = confirmingState{older: mark, newer: mark}
	c.Known, c.Current, c.Confirmed = true, current, confirmed
}

// ClearConfirming says that nothing is being confirmed.
func (s *Source) ClearConfirming() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirming = confirmingState{}
	for _, t := range s.tables {
		t.confirming = confirmingState{}
	}
}

// CorrectConfirming sets how many rows there are and are confirmed, as counted again.
func (s *Source) CorrectConfirming(current, confirmed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirming.correctCounts(current, confirmed)
}

// correctCounts takes up what was counted again. The rate stays as it is.
func (c *confirmingState) correctCounts(current, confirmed int64) {
	c.Current, c.Confirmed = current, confirmed
}

// Confirmed counts rows that the snapshot's records in a batch confirmed, and by how
// much the batch changed the number of current rows.
func (s *Source) Confirmed(confirmed, more int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirming.addConfirmed(s.now(), confirmed, more)
}

// addConfirmed counts on. Rows that are new were not among those that would end; nor may others
// have been that a change had confirmed before: the next count tells.
func (c *confirmingState) addConfirmed(now time.Time, confirmed, more int64) {
	would := max(0, c.Current-c.Confirmed-max(0, confirmed-max(0, more)))
	c.Current, c.seen = c.Current+more, c.seen+confirmed
	c.Confirmed = max(0, c.Current-would)
	if c.Known && now.Sub(c.newer.at) >= rateWindow {
		c.older, c.newer = c.newer, rateSample{now, c.seen}
	}
}

// SetEnding says how far endsync has come: in which table, and how many rows of
// how many have ended. An empty name says that it is over.
func (s *Source) SetEnding(table string, ended, toEnd int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirming.Ending, s.confirming.Ended, s.confirming.ToEnd = table, ended, toEnd
}

// reportAt returns what is known at a time.
func (c *confirmingState) reportAt(now time.Time) Confirming {
	r := c.Confirming
	r.Confirmed = min(r.Confirmed, r.Current)
	if passed := now.Sub(c.older.at).Seconds(); r.Known && passed >= 1 {
		r.PerSecond = float64(c.seen-c.older.seen) / passed
	}
	if left := r.Current - r.Confirmed; r.PerSecond > 0 && left > 0 {
		r.Left = time.Duration(float64(left) / r.PerSecond * float64(time.Second))
	}
	return r
}
