package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestSnapshotWithoutSynchronization checks that a snapshot without a synchronization ends no
// row, and that the status shows it, with the remedy, until a synchronization begins.
func TestSnapshotWithoutSynchronization(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('r', 1, "a", "last")
	r.awaitText(t, current, "1=a")
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")
	const stray = "a snapshot came while no synchronization was on"
	f.change('u', 1, "b", "")
	r.awaitText(t, current, "1=b")
	if got := fmt.Sprint(r.admin(t, "list status")); strings.Contains(got, stray) {
		t.Errorf("after a change: %s", got)
	}
	f.change('r', 1, "c", "true")
	r.awaitState(t, "active", stray)
	r.awaitState(t, "active", "rows that are gone at the source stay; to find them: sync data source sensor, and a new snapshot")
	r.admin(t, "sync data source sensor")
	r.await(t, "be quiet of the snapshot", func() error {
		if got := fmt.Sprint(r.admin(t, "list status")); strings.Contains(got, stray) {
			return errors.New(got)
		}
		return nil
	})
}
