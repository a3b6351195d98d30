package change

// RejectedEvent is a rejected event that is retried.
type RejectedEvent struct {
	// ID is the event's in metadb.rejected_event.
	ID    int64
	Event Event
	// SupersededAt is the source time of the first event of the same key that was
	// applied after it, nil without such an event.
	SupersededAt *Micros
}
