package change

// The approximate sizes of an Event and a Header, without the memory that they point to.
const (
	eventBytes  = 376
	headerBytes = 48
)

// Size returns the approximate memory of an event until it is applied, in bytes. Record.Head
// is shared, but it is sent to the database with each rejected event.
func (e *Event) Size() int {
	n := eventBytes + len(e.Row) + len(e.OldKey) + len(e.Record.Key) + len(e.Record.Tail)
	if e.Op == Reject {
		n += len(e.Record.Head)
	}
	for _, h := range e.Record.Headers {
		n += headerBytes + len(h.Value)
	}
	return n
}
