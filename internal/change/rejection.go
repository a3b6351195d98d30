package change

// RejectKind is the general reason for rejecting an event. It has no values of the
// event, unlike the text of a single rejection.
type RejectKind uint8

// The kinds of rejection.
const (
	// Unreadable: the record, or a value in it, does not have the expected form.
	Unreadable RejectKind = iota
	// NoTable: its table can't be created, or another role owns it.
	NoTable
	// RefusedValue: PostgreSQL does not accept one of its values.
	RefusedValue
	// BlockedByOther: it lacks a value of an earlier event that is itself
	// rejected.
	BlockedByOther
)

// RejectKinds lists them.
func RejectKinds() []RejectKind {
	return []RejectKind{Unreadable, NoTable, RefusedValue, BlockedByOther}
}

// String returns the kind's name in the database and the metrics.
func (k RejectKind) String() string {
	switch k {
	case Unreadable:
		return "record"
	case NoTable:
		return "table"
	case RefusedValue:
		return "value"
	case BlockedByOther:
		return "waits"
	}
	return "unknown"
}

// Rejection describes one rejected event.
type Rejection struct {
	Position Position
	Table    Table
	Kind     RejectKind
	Reason   string
}

// TableStats counts the effects of a batch on the rows of one table.
type TableStats struct {
	// Written, Ended and Confirmed are as in Outcome.
	Written, Ended, Confirmed, ConfirmedByChange int
	// LastEventTime is the source time of the table's last event in the batch, 0 without
	// such an event.
	LastEventTime Micros
}
