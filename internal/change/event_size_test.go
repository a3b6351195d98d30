package change

import "testing"

// TestSize expects everything that is sent to the database with an event to
// count: a batch of rejected records includes their schemas.
func TestSize(t *testing.T) {
	record := Record{Head: make([]byte, 4000), Tail: make([]byte, 100), Headers: []Header{{Name: "h", Value: make([]byte, 500)}}}
	event := Event{Op: Upsert, Record: record}
	applied := event.Size()
	event.Op = Reject
	rejected := event.Size()
	if applied < 600 || applied > 1200 {
		t.Errorf("an event that shares its schema counts as %d bytes", applied)
	}
	if rejected != applied+4000 {
		t.Errorf("a rejected one counts as %d bytes, an applied one as %d", rejected, applied)
	}
}
