package apply_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

// TestIdentityChangesInBatch checks a change of identity after which two current rows are one: the
// first event with the new identity ends both.
func TestIdentityChangesInBatch(t *testing.T) {
	byValue := &change.Shape{Columns: shape.Columns, Key: []int{1}}
	keyed := func(e change.Event) change.Event {
		e.Shape = byValue
		return e
	}
	events := []change.Event{put(1, "a", 10), put(2, "a", 11), put(3, "b", 12), keyed(put(4, "a", 20)), keyed(put(3, "b", 21))}
	want := "1 a 10 20\n2 a 11 20\n3 b 12 -\n4 a 20 -"
	for name, sizes := range map[string][]int{"one batch": {5}, "cut after": {4, 1}, "cut before": {3, 2}, "each alone": {1, 1, 1, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			rest := events
			var warnings []string
			for _, n := range sizes {
				warnings = append(warnings, r.apply(rest[:n:n]...).Warnings...)
				rest = rest[n:]
			}
			if got := r.versions(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], "key has changed") {
				t.Errorf("warnings: %q", warnings)
			}
			if len(r.rows("SELECT reason FROM metadb.rejected_event")) > 0 {
				t.Error("events were rejected")
			}
		})
	}
}
