package status

import (
	"fmt"
	"sync"
	"time"
)

// Confirming is the progress of a resynchronization.
type Confirming struct {
	// Known is true if the rows have been counted: otherwise the other fields but Ending have no
	// meaning.
	Known bool
	// Confirmed of Current rows are confirmed; the others would end now. Between two counts more
	// rows may be confirmed than Confirmed includes.
	Confirmed, Current int64
	// PerSecond is the recent rate in confirmed rows a second, Left the remaining time at this
	// rate; 0 if unknown.
	PerSecond float64
	Left      time.Duration
	// Ending is the table in which endsync is ending rows, empty otherwise; Ended of ToEnd rows
	// have ended.
	Ending       string
	Ended, ToEnd int64
}

// Unconfirmed returns the number of rows that would end if the synchronization were ended now.
func (c Confirming) Unconfirmed() int64 { return max(0, c.Current-c.Confirmed) }

// String returns the progress in one line, empty if there is no resynchronization.
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

// rateWindow is the least time over which the rate is computed.
const rateWindow = 20 * time.Second

// confirmingState counts confirmed rows.
type confirmingState struct {
	Confirming
	// seen counts the confirmations since the first count.
	seen int64
	// The rate is computed from the older of two samples; the newer one replaces it when it is as
	// old as the window.
	older, newer rateSample
}

// rateSample is the number of confirmations at a time.
type rateSample struct {
	at   time.Time
	seen int64
}

// ConfirmedRows counts the rows that a resynchronization has confirmed, in all tables of a source and
// in each, and those that endsync has ended. It is safe for concurrent use.
type ConfirmedRows struct {
	mu     sync.Mutex
	all    confirmingState
	tables map[string]*confirmingState
	// now returns the time; tests replace it.
	now func() time.Time
}

// SetCounts sets the counted numbers of current and of confirmed rows of all tables, at the beginning.
func (c *ConfirmedRows) SetCounts(current, confirmed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.setCounts(c.now(), current, confirmed)
}

// SetTableCounts sets the counted numbers of current and of confirmed rows of a table, until Clear.
func (c *ConfirmedRows) SetTableCounts(name string, current, confirmed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ensureTable(name).setCounts(c.now(), current, confirmed)
}

// setCounts starts from the numbers counted at a time.
func (c *confirmingState) setCounts(now time.Time, current, confirmed int64) {
	mark := rateSample{at: now}
	*c = confirmingState{older: mark, newer: mark}
	c.Known, c.Current, c.Confirmed = true, current, confirmed
}

// Clear removes the progress of the resynchronization, of the source and of its tables.
func (c *ConfirmedRows) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all, c.tables = confirmingState{}, nil
}

// CorrectCounts replaces the numbers of current and of confirmed rows of all tables by those of a
// later count.
func (c *ConfirmedRows) CorrectCounts(current, confirmed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.correctCounts(current, confirmed)
}

// CorrectTableCounts replaces the numbers of current and of confirmed rows of a table by those of a
// later count.
func (c *ConfirmedRows) CorrectTableCounts(name string, current, confirmed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.ensureTable(name)
	if !t.Known {
		t.setCounts(c.now(), current, confirmed)
		return
	}
	t.correctCounts(current, confirmed)
}

// correctCounts replaces the numbers by those of a later count. The rate stays.
func (c *confirmingState) correctCounts(current, confirmed int64) {
	c.Current, c.Confirmed = current, confirmed
}

// Add adds the rows that the snapshot's records in a batch confirmed, and the change of the number of
// current rows by the batch.
func (c *ConfirmedRows) Add(confirmed, more int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.addConfirmed(c.now(), confirmed, more)
}

// addTable is Add for one table.
func (c *ConfirmedRows) addTable(name string, confirmed, more int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[name]
	if t == nil {
		if confirmed <= 0 || !c.all.Known {
			return
		}
		t = c.ensureTable(name) // the count did not include the table
		t.setCounts(c.now(), 0, 0)
	}
	t.addConfirmed(c.now(), confirmed, more)
}

// ensureTable returns the state of a table, and creates it if there is no state yet.
func (c *ConfirmedRows) ensureTable(name string) *confirmingState {
	t := c.tables[name]
	if t == nil {
		if c.tables == nil {
			c.tables = make(map[string]*confirmingState)
		}
		t = &confirmingState{}
		c.tables[name] = t
	}
	return t
}

// addConfirmed adds confirmed rows and new current rows. New rows were not among the unconfirmed
// ones; rows that an earlier change had confirmed may not have been either: the next count corrects
// that.
func (c *confirmingState) addConfirmed(now time.Time, confirmed, more int64) {
	would := max(0, c.Current-c.Confirmed-max(0, confirmed-max(0, more)))
	c.Current, c.seen = c.Current+more, c.seen+confirmed
	c.Confirmed = max(0, c.Current-would)
	if c.Known && now.Sub(c.newer.at) >= rateWindow {
		c.older, c.newer = c.newer, rateSample{now, c.seen}
	}
}

// SetEnding sets the progress of endsync: the present table, and the number of rows ended of all to
// be ended. An empty name means that endsync is done.
func (c *ConfirmedRows) SetEnding(table string, ended, toEnd int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.Ending, c.all.Ended, c.all.ToEnd = table, ended, toEnd
}

// report returns the progress in all tables.
func (c *ConfirmedRows) report() Confirming {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.reportAt(c.now())
}

// reportTables returns the progress in each table.
func (c *ConfirmedRows) reportTables() map[string]Confirming {
	c.mu.Lock()
	defer c.mu.Unlock()
	tables, now := make(map[string]Confirming, len(c.tables)), c.now()
	for name, t := range c.tables {
		tables[name] = t.reportAt(now)
	}
	return tables
}

// reportAt returns the progress at a time.
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
