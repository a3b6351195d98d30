package pipeline

import (
	"testing"

	"metadb/internal/change"
)

// TestSize holds that what is sent to the database with an event counts: a
// batch of nothing but rejected records has their schemas too.
func TestSize(t *testing.T) {
	record := change.Record{Head: make([]byte, 4000), Tail: make([]byte, 100), Headers: []change.Header{{Name: "h", Value: make([]byte, 500)}}}
	applied := size(&change.Event{Op: change.Upsert, Record: record})
	rejected := size(&change.Event{Op: change.Reject, Record: record})
	if applied < 600 || applied > 1200 {
		t.Errorf("an event that shares its schema counts as %d bytes", applied)
	}
	if rejected != applied+4000 {
		t.Errorf("a rejected one counts as %d bytes, an applied one as %d", rejected, applied)
	}
}
