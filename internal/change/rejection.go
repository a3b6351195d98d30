package change

// RejectKind is what is wrong with an event that is set aside, in general. The
// words for a single event may quote its values; these never do.
type RejectKind uint8

// The kinds of rejection.
const (
	// Unreadable: the record, or a value in it, is not what a decoder expects.
	Unreadable RejectKind = iota
	// NoTable: its table can't be made, or belongs to somebody else.
	NoTable
	// RefusedValue: PostgreSQL does not take one of its values.
	RefusedValue
	// WaitsForOther: it lacks a value that an event before it has, which is
	// set aside itself.
	WaitsForOther
)

// RejectKinds lists them.
func RejectKinds() []RejectKind {
	return []RejectKind{Unreadable, NoTable, RefusedValue, WaitsForOther}
}

// String is the kind as the database and the metrics have it.
func (k RejectKind) String() string {
	switch k {
	case Unreadable:
		return "record"
	case NoTable:
		return "table"
	case RefusedValue:
		return "value"
	case WaitsForOther:
		return "waits"
	}
	return "unknown"
}

// Rejection is one event that was set aside.
type Rejection struct {
	Position Position
	Table    Table
	Kind     RejectKind
	Reason   string
}

// Tally is what a batch did to the rows of one table.
type Tally struct {
	// Written, Ended and Confirmed are as in Outcome.
	Written, Ended, Confirmed, ConfirmedByChange int
	// Last is the source's time of the table's last event in the batch, 0 if
	// it has none.
	Last Micros
}
