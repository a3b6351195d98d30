package change

import (
	"slices"
	"time"
)

// Op is the effect of an event on its table.
type Op uint8

// The operations. Debezium's create, update and read are all upserts: the
// history rules treat them alike.
const (
	// Ignore changes no row: a tombstone, a heartbeat, a message, a record
	// that a filter drops, a table without a key (see Event.Reason).
	Ignore Op = iota
	// Upsert makes Row the current version of its key.
	Upsert
	// Delete ends the current version of the key in Row.
	Delete
	// Truncate ends every current version of the table and origin.
	Truncate
	// Reject is a record that can't be applied; Reason says why.
	Reject
)

// String returns the operation's name for messages.
func (o Op) String() string {
	switch o {
	case Ignore:
		return "ignore"
	case Upsert:
		return "upsert"
	case Delete:
		return "delete"
	case Truncate:
		return "truncate"
	case Reject:
		return "reject"
	}
	return "unknown operation"
}

// SnapshotPhase is Debezium's source.snapshot.
type SnapshotPhase uint8

// The snapshot marks that something depends on. The marks "true", "first" and
// "first_in_data_collection" are all InSnapshot.
const (
	// Streamed is an ordinary change.
	Streamed SnapshotPhase = iota
	// InSnapshot is a row of an initial or blocking snapshot.
	InSnapshot
	// LastInTable is the row that bears the mark "last_in_data_collection".
	LastInTable
	// LastInSnapshot is the row that bears the mark "last".
	LastInSnapshot
	// Incremental is a row of an incremental snapshot, which runs beside the
	// stream and has no lsn of its own.
	Incremental
)

// Event is one record of the stream, decoded. Every record becomes exactly one
// event, those that change nothing too, so that the events of a partition are
// also its progress.
type Event struct {
	Op       Op
	Snapshot SnapshotPhase

	// Confirm says that in a resynchronization this event confirms the row
	// version that it writes or finds equal (docs/spec/06-synchronization.md#confirmation).
	Confirm bool
	// Suspect says that the event may have been applied before (docs/spec/01-tables.md#repetition): the
	// versions of its key decide. A truncate is suspect too if events that follow
	// it at the source, in another partition, may have been applied before it.
	Suspect bool
	// Repeated says that the event has been applied before. It changes nothing; in a
	// resynchronization it may confirm the version that it repeats.
	Repeated bool
	// Overtaken says that events that follow a truncate at the source, in
	// another partition, may have been applied before it.
	Overtaken bool
	// Created says that an upsert inserts its row, as far as the source says.
	Created bool
	// Partitions is the number of the topic's partitions. If there are several, events
	// that follow this one at the source may have been read before it.
	Partitions int
	// Unpaired says that this is the insert of a change of key and that the delete of
	// the old key has not been read: the values that the insert lacks may differ from
	// those that the table has under the old key.
	Unpaired bool
	// NoKey says that the record has no key, so that its table can't have a
	// history: Op is Ignore.
	NoKey bool
	// FirstInSnapshot says that the record bears the mark "first": a snapshot begins with it.
	FirstInSnapshot bool
	// Complete says that the row is known to have no unavailable value. If it is
	// false, HasUnavailable has to look at the row.
	Complete bool

	// Source is the table at the source, empty for a record without one.
	Source Table
	// Table and Origin are the event's target; package route sets them.
	Table  Table
	Origin Origin

	// Time is when the source changed the row. If the source's time is too far in the
	// future, Time is the record's time in Kafka and ClaimedTime is the source's; else
	// ClaimedTime is zero.
	Time, ClaimedTime Micros
	// TimeFarPast says that Time is many years before the record's in Kafka. It is taken only where the
	// table has history of its year.
	TimeFarPast bool
	// LSN is source.lsn, or where that is null sequence[1]; zero if both are
	// absent. Commit is sequence[0], which is that of the commit before the change's
	// transaction; zero if it is absent, as in a connector's first transaction.
	LSN, Commit uint64
	// Tx is source.txId, zero if it is absent.
	Tx int64
	// CommittedAfter is the highest position that the transaction of a streamed change
	// is known to have been committed after: that of the last commit before it, where
	// the record has it, or of the snapshot that precedes it in its partition. The
	// position of the change itself may be lower, for a transaction may have begun
	// before a snapshot and ended later. Of a row of an incremental snapshot it is the
	// highest position of its partition before it: the last change of the row is not after it.
	CommittedAfter uint64
	// NotBefore is set for a record that could not be read: the latest source time of the
	// events before it in its partition.
	NotBefore Micros
	// AttemptUnknown says that a record that could not be read may be of an earlier attempt of a
	// snapshot. The row of its key is not confirmed then; Confirm is set nevertheless, and
	// endsync counts the record among those that might have confirmed a row.
	AttemptUnknown bool

	// Shape describes Row. For an upsert it has every column of the event, for a
	// delete the key's columns alone, as for a rejected event with a readable key.
	// Nil for other operations.
	Shape *Shape
	Row   Row
	// OldKey holds, for an upsert that carries __debezium.oldkey, the cells
	// of the old key in the order of Shape.Key: unavailable values are those
	// of the last version under that key. Nil otherwise.
	OldKey Row

	// Omitted are the indexes of the row's values that are NULL in the record of
	// an update though the source may have them unchanged: the connector sends NULL
	// for unchanged TOAST of some types. In Row they are NULL, or unavailable where
	// the data source's options say so.
	Omitted []int

	// Position is the record's place in the stream.
	Position Position
	// Reason is why the record is rejected, in words for an administrator.
	Reason string
	// Notes are messages of the decoder about changed values and unknown types, nil
	// for nearly all events.
	Notes []Note
	// Notification is the content of a Debezium notification about a snapshot, nil for
	// all other records. Op is Ignore.
	Notification *SnapshotNotification
	// Record is the record as received, kept for metadb.rejected_event.
	Record Record
}

// Drop makes the event one that changes no row, and releases its row and its record. Its
// source time, positions and snapshot fields stay.
func (e *Event) Drop() {
	e.Op, e.NoKey, e.Reason = Ignore, false, ""
	e.Shape, e.Row, e.OldKey, e.Omitted, e.Complete = nil, nil, nil, nil, false
	e.Notes, e.Record = nil, Record{}
}

// IsUndated reports whether the record is so unreadable that neither its source time nor
// its lsn is known.
func (e *Event) IsUndated() bool { return e.Op == Reject && e.LSN == 0 && e.Time == 0 }

// HasUnavailable reports whether the event is an upsert whose row has unavailable values.
func (e *Event) HasUnavailable() bool {
	return e.Op == Upsert && !e.Complete && e.Row.HasUnavailable()
}

// IsOmitted reports whether a value of the row is NULL though the source may have it
// unchanged.
func (e *Event) IsOmitted(at int) bool {
	return slices.Contains(e.Omitted, at) && e.Row.Cell(at).State == Null
}

// HasAssumedUnchanged reports whether a NULL of the row was taken for an unavailable value.
func (e *Event) HasAssumedUnchanged() bool {
	if e.Complete {
		return false
	}
	for _, at := range e.Omitted {
		if e.Row.Cell(at).State == Unavailable {
			return true
		}
	}
	return false
}

// Note reports something about a column, or about the table where Column is empty, that deserves a
// line in the log, once for each column or table.
type Note struct {
	Column string
	// Severe makes it a WARNING; otherwise it is an INFO.
	Severe bool
	Text   string
}

// Record is a Kafka record as received. The value is kept in two parts because
// its first half, the schema, is the same for nearly all records of a topic
// and is shared between them.
type Record struct {
	Key []byte
	// Head and Tail together are the value; both nil for a tombstone.
	Head, Tail []byte
	Headers    []Header
	// Time is the record's timestamp in Kafka.
	Time Micros
}

// Header is one header of a Kafka record.
type Header struct {
	Name  string
	Value []byte
}

// Value returns the record's value as one slice, nil for a tombstone.
func (r *Record) Value() []byte {
	if r.Head == nil && r.Tail == nil {
		return nil
	}
	value := make([]byte, 0, len(r.Head)+len(r.Tail))
	return append(append(value, r.Head...), r.Tail...)
}

// Batch is the content of one transaction: events in the order in which they
// were delivered, which keeps the order of every partition, and the spans that
// they cover. Events that change nothing may have been left out; the spans
// include them.
type Batch struct {
	Source string
	Events []Event
	Spans  []Span
	// Snapshots has the progress of expected snapshots in this batch, by table;
	// the empty Table stands for the whole source. It is stored with the rows.
	Snapshots map[Table]SnapshotProgress
	// ExpectedSince has the expected snapshots that Snapshots was made for: by table, the
	// time since which each is expected.
	ExpectedSince map[Table]time.Time
	// NotesChanges says that the ids of confirmed rows are stored only if a streamed
	// change confirmed them: in an initial synchronization in which every written row
	// comes from the source.
	NotesChanges bool
	// LockTimeout bounds the wait for each lock, since other tables wait meanwhile; 0
	// leaves the session's setting.
	LockTimeout time.Duration
}
