package change

// Rejected is a rejected event that is retried.
type Rejected struct {
	// ID is the event's in metadb.rejected_event.
	ID    int64
	Event Event
	// Later is the source time of the first event of the same key that was
	// applied after it, nil without such an event.
	Later *Micros
}
