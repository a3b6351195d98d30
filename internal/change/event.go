package change

import (
	"slices"
	"time"
)

// Op says what an event does to its table.
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

// SnapshotMark is Debezium's source.snapshot.
type SnapshotMark uint8

// The snapshot marks that something depends on. The marks "true", "first" and
// "first_in_data_collection" are all InSnapshot.
const (
	// Streamed is an ordinary change.
	Streamed SnapshotMark = iota
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
	Snapshot SnapshotMark

	// Confirm says that in a resynchronization this event confirms the row
	// version that it writes or finds equal (docs/spec/06-synchronization.md#confirmation).
	Confirm bool
	// Suspect says that the event may have been applied before (docs/spec/01-tables.md#repetition): the
	// versions of its key tell. A truncate is suspect too where events that
	// follow it at the source, in another partition, may have been applied before it.
	Suspect bool
	// Repeated says that the event has been applied before: see Mark.Judge. It changes
	// nothing; in a resynchronization it may confirm what it repeats.
	Repeated bool
	// Overtaken says that events that follow a truncate at the source, in
	// another partition, may have been applied before it.
	Overtaken bool
	// Created says that an upsert inserts its row, as far as the source says.
	Created bool
	// Partitions is how many partitions the topic has. Where there are several, what
	// follows the event at the source may have been read before it.
	Partitions int
	// Unpaired says that the delete has not been read that belongs to the insert of a
	// change of key: whether what the table has under the old key is what the insert
	// lacks is not known.
	Unpaired bool
	// NoKey says that the record has no key, so that its table can't have a
	// history: Op is Ignore.
	NoKey bool
	// First says that the record bears the mark "first": a snapshot begins with it.
	First bool
	// Complete says that the row is known to have no unavailable value. Where it
	// is false the row has to be looked at: see Lacks.
	Complete bool

	// Source is the table at the source, empty where the record has none.
	Source Table
	// Table and Origin say where the event goes; package route sets them.
	Table  Table
	Origin Origin

	// Time is when the source changed the row. Where the source's time is too far in the future to
	// be one, it is the record's in Kafka, and Claimed is what the source said; zero elsewhere.
	Time, Claimed Micros
	// Remote says that Time is many years before the record's in Kafka. It is taken only where the
	// table has history of its year.
	Remote bool
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
	// before a snapshot and ended later.
	CommittedAfter uint64
	// NotBefore is, of a record that could not be read, the latest time at the source of
	// what precedes it in its partition.
	NotBefore Micros
	// Unplaced says that such a record may be of an attempt of a snapshot that does not
	// count: it confirms nothing, and is one that a row may have been kept by.
	Unplaced bool

	// Shape describes Row. For an upsert it has every column of the event,
	// for a delete the key's columns alone; so has a rejected event whose key
	// could be read. Nil for other operations.
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
	// Notes are what decoding changed or did not know, nil almost always.
	Notes []Note
	// Notice is what a notification of Debezium's says about a snapshot, nil for
	// all other records. Op is Ignore.
	Notice *Notice
	// Record is the record as received, kept for metadb.rejected_event.
	Record Record
}

// Drop makes the event one that changes no row, and releases its row and its record. What
// it says of its moment at the source, of its position and of a snapshot stays.
func (e *Event) Drop() {
	e.Op, e.NoKey, e.Reason = Ignore, false, ""
	e.Shape, e.Row, e.OldKey, e.Omitted, e.Complete = nil, nil, nil, nil, false
	e.Notes, e.Record = nil, Record{}
}

// IsUndated reports whether a record could be read so little that its moment at the
// source is not known.
func (e *Event) IsUndated() bool { return e.Op == Reject && e.LSN == 0 && e.Time == 0 }

// Lacks reports whether the event is an upsert whose row has unavailable values.
func (e *Event) Lacks() bool {
	return e.Op == Upsert && !e.Complete && e.Row.HasUnavailable()
}

// IsOmitted reports whether a value of the row is NULL though the source may have it
// unchanged.
func (e *Event) IsOmitted(at int) bool {
	return slices.Contains(e.Omitted, at) && e.Row.Cell(at).State == Null
}

// Guesses reports whether values of the row are unavailable because NULL was taken
// for that.
func (e *Event) Guesses() bool {
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

// Batch is what one transaction applies: events in the order in which they
// were delivered, which keeps the order of every partition, and the spans that
// they cover. Events that change nothing may have been left out; the spans
// count them.
type Batch struct {
	Source string
	Events []Event
	Spans  []Span
	// Snapshots has what the batch tells of snapshots that are expected, by
	// table; the empty Table stands for the source's. It is stored with the
	// rows.
	Snapshots map[Table]SnapshotNews
	// Observed says which snapshots the batch was looked through for, by table, and since
	// when each is expected.
	Observed map[Table]time.Time
	// NotesChanges says that the ids of confirmed rows are not kept, and only noted where a
	// change has confirmed them: in an initial synchronization where every row that is
	// written is one of the source's.
	NotesChanges bool
	// LockTimeout bounds the wait for each lock, 0 is the session's: other tables wait
	// meanwhile.
	LockTimeout time.Duration
}
