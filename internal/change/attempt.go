package change

// Attempt is one run of an initial or a blocking snapshot. A connector that is
// interrupted begins its snapshot anew, in the same topics. All records of one attempt
// have one lsn and one txId; their times may differ.
type Attempt struct {
	// LSN is source.lsn, the position at the source from which the stream goes on.
	LSN uint64
	// Tx is source.txId.
	Tx int64
	// Time is source.ts_ms of the record by which the attempt was noticed. It says
	// which of two attempts is later, and nothing else.
	Time Micros
}

// AttemptOf returns the attempt that a record of a snapshot belongs to.
func AttemptOf(e *Event) Attempt { return Attempt{LSN: e.LSN, Tx: e.Tx, Time: e.Time} }

// Known reports whether a record of it has come.
func (a Attempt) Known() bool { return a != Attempt{} }

// Same reports whether two attempts bear the same lsn and txId.
func (a Attempt) Same(other Attempt) bool { return a.LSN == other.LSN && a.Tx == other.Tx }

// After reports whether an attempt is another one than the other, and later.
func (a Attempt) After(other Attempt) bool {
	switch {
	case a.Same(other) || !a.Known():
		return false
	case !other.Known():
		return true
	case a.Time != other.Time:
		return a.Time > other.Time
	case a.LSN != other.LSN:
		return a.LSN > other.LSN
	}
	return a.Tx > other.Tx
}

// Confirms reports whether an event shows, if this is the attempt that counts, that its
// row is at the source: a record of the attempt, or a change that was committed after it.
// The position of a change may precede the attempt's although it was committed later: see
// Event.CommittedAfter.
func (a Attempt) Confirms(e *Event) bool {
	switch {
	case !a.Known():
		return true
	case e.IsUndated():
		return true // its row may be at the source: see Doubts
	case e.Snapshot == Streamed:
		return max(e.LSN, e.CommittedAfter) >= a.LSN || e.Time >= a.Time
	case e.Snapshot == Incremental:
		return e.Time >= a.Time
	}
	return a.Same(AttemptOf(e))
}

// Doubts reports whether an event may precede the attempt, as far as is known: it could not
// be read, and nothing before it in its partition is of the attempt or later. Its row may be
// gone at the source or not.
func (a Attempt) Doubts(e *Event) bool { return a.Known() && e.IsUndated() && e.NotBefore < a.Time }

// Attempts is what is known of the attempts of a snapshot that is awaited.
type Attempts struct {
	// Now is the latest one. Earlier ones were given up, and confirm nothing.
	Now Attempt
	// First and Last say that the records of Now with the marks "first" and "last" have
	// come.
	First, Last bool
	// Doubled says that two attempts bear the lsn and txId of Now: a second record
	// with the mark "first" has come, so that they can't be told apart.
	Doubled bool
	// Overtaken says that a later attempt has sent records of other tables, none of the
	// table that is awaited, before the end of Now was seen.
	Overtaken bool
	// Adopts says that the synchronization began with a version of Metadb that did not
	// tell attempts apart: the first that is noticed is taken for the only one.
	Adopts bool
}

// Sighting is what a batch has of one attempt in one partition.
type Sighting struct {
	Attempt
	// Table is the table of the records, which have been routed.
	Table Table
	// Position is that of the latest record.
	Position Position
	// Firsts counts the records with the mark "first", and Last says that one has the
	// mark "last".
	Firsts int
	Last   bool
}

// Observe takes note of a sighting: own says that it is about what is awaited. It reports
// whether a later attempt begins with it.
func (a *Attempts) Observe(s Sighting, own bool) (anew bool) {
	if s.After(a.Now) {
		if !own {
			a.Overtaken = a.Overtaken || a.Now.Known()
			return false
		}
		*a = Attempts{Now: s.Attempt, Adopts: a.Adopts}
		anew = true
	}
	if s.Same(a.Now) {
		a.Doubled = a.Doubled || s.Firsts > 1 || s.Firsts == 1 && a.First
		a.First, a.Last = a.First || s.Firsts > 0, a.Last || s.Last
	}
	return anew
}
