package change

// Rejected is a rejected event that is to be applied after all.
type Rejected struct {
	// ID is the event's in metadb.rejected_event.
	ID    int64
	Event Event
	// Later is the source time of the first event of its key that was
	// applied after it; nil if there is none.
	Later *Micros
}
