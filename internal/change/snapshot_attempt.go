package change

// Attempt is one run of an initial or a blocking snapshot. A connector that is
// interrupted begins its snapshot anew, in the same topics. All records of one attempt
// have one lsn and one txId; their times may differ.
type Attempt struct {
	// LSN is source.lsn: streaming continues from this position after the snapshot.
	LSN uint64
	// Tx is source.txId.
	Tx int64
	// Time is source.ts_ms of the first record of the attempt that was read. It only
	// serves to decide which of two attempts is later.
	Time Micros
}

// AttemptOf returns the attempt that a record of a snapshot belongs to.
func AttemptOf(e *Event) Attempt { return Attempt{LSN: e.LSN, Tx: e.Tx, Time: e.Time} }

// IsKnown reports whether a record of the attempt has been read.
func (a Attempt) IsKnown() bool { return a != Attempt{} }

// IsSame reports whether two attempts have the same lsn and txId.
func (a Attempt) IsSame(other Attempt) bool { return a.LSN == other.LSN && a.Tx == other.Tx }

// IsAfter reports whether an attempt differs from other and is later.
func (a Attempt) IsAfter(other Attempt) bool {
	switch {
	case a.IsSame(other) || !a.IsKnown():
		return false
	case !other.IsKnown():
		return true
	case a.Time != other.Time:
		return a.Time > other.Time
	case a.LSN != other.LSN:
		return a.LSN > other.LSN
	}
	return a.Tx > other.Tx
}

// Confirms reports whether an event proves that its row is at the source, provided that
// this attempt is the current one: the event is a record of the attempt, or a change that
// was committed after it. A change that was committed later may have a position before the
// attempt's: see Event.CommittedAfter.
func (a Attempt) Confirms(e *Event) bool {
	switch {
	case !a.IsKnown():
		return true
	case e.IsUndated():
		return true // the row may be at the source; MayFollow separates these events
	case e.Snapshot == Streamed:
		return max(e.LSN, e.CommittedAfter) >= a.LSN || e.Time >= a.Time
	case e.Snapshot == Incremental:
		return e.Time >= a.Time
	}
	return a.IsSame(AttemptOf(e))
}

// MayFollow reports whether an event may precede the attempt: the record could not be read,
// and no earlier record of its partition is of the attempt or later. Its row may or may not
// be at the source.
func (a Attempt) MayFollow(e *Event) bool {
	return a.IsKnown() && e.IsUndated() && e.NotBefore < a.Time
}

// Attempts has the state of the attempts of an expected snapshot.
type Attempts struct {
	// Current is the latest attempt. The connector gave up earlier ones; they confirm nothing.
	Current Attempt
	// First and Last say that the records of the latest attempt with the marks "first"
	// and "last" have been read.
	First, Last bool
	// Ambiguous says that two attempts have the lsn and txId of the latest one: a second
	// record with the mark "first" has been read, so that their records can't be separated.
	Ambiguous bool
	// Overtaken says that a later attempt has sent records, but only of other tables than
	// the expected one. Unless Last is set, the table may not have been read completely.
	Overtaken bool
	// AdoptsFirst says that the synchronization began with a version of Metadb that did not
	// separate attempts: the first attempt that is read is taken for the only one.
	AdoptsFirst bool
}

// AttemptRecords summarizes the records of one attempt and one table in a batch and partition.
type AttemptRecords struct {
	Attempt
	// Table is the target table of the records.
	Table Table
	// Position is the position of the latest record.
	Position Position
	// Firsts counts the records with the mark "first". Last says that a record has the
	// mark "last".
	Firsts int
	Last   bool
}

// Observe adds a sighting; own says that it concerns the expected table or source. It
// reports whether a later attempt begins with the sighting.
func (a *Attempts) Observe(s AttemptRecords, own bool) (anew bool) {
	if s.IsAfter(a.Current) {
		if !own {
			a.Overtaken = a.Overtaken || a.Current.IsKnown()
			return false
		}
		*a = Attempts{Current: s.Attempt, AdoptsFirst: a.AdoptsFirst}
		anew = true
	}
	if s.IsSame(a.Current) {
		a.Ambiguous = a.Ambiguous || s.Firsts > 1 || s.Firsts == 1 && a.First
		a.First, a.Last = a.First || s.Firsts > 0, a.Last || s.Last
	}
	return anew
}
