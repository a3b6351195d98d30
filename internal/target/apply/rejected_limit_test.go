package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/apply"
	"metadb/internal/target/rejected"
)

// limited replaces the rig's applier by one with a limit of rejected events.
func (r *rig) limited(limit rejected.Limit) {
	r.applier = apply.New(apply.Config{
		Connect: r.connect, Source: "sensor", Group: "group", Store: r.store, RejectedLimit: func(context.Context) (rejected.Limit, error) { return limit, nil },
	})
	r.t.Cleanup(func() { _ = r.applier.Close(r.t.Context()) })
}

func unreadable(n int, value string) []change.Event {
	events := make([]change.Event, n)
	for i := range events {
		events[i] = change.Event{Op: change.Reject, Reason: "no envelope", Record: change.Record{Tail: []byte(value)}}
	}
	return events
}

// TestRejectedLimit checks that events are rejected exactly up to the limit, and that a batch that
// would exceed it changes nothing and is applied when there is room.
func TestRejectedLimit(t *testing.T) {
	for _, test := range []struct {
		name    string
		limit   rejected.Limit
		value   string
		message string
	}{
		{"events", rejected.Limit{Events: 5}, "x", "6 events with 0 MB would be set aside, more than rejected_limit allows (5 events, 0 MB)"},
		{"bytes", rejected.Limit{Events: 1000, Bytes: 5 << 20}, strings.Repeat("x", 1<<20), "6 events with 6 MB would be set aside"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.limited(test.limit)
			r.apply(append(unreadable(3, test.value), put(1, "a", 10))...)
			r.apply(unreadable(2, test.value)...)
			_, err := r.try(append(unreadable(1, test.value), put(1, "b", 20))...)
			var full *rejected.LimitReachedError
			if !errors.As(err, &full) || !strings.HasPrefix(err.Error(), test.message) {
				t.Fatalf("got %v, want %s", err, test.message)
			}
			if got := r.versions(); got != "1 a 10 -" {
				t.Errorf("versions: %s", got)
			}
			r.rows("DELETE FROM metadb.rejected_event WHERE \"offset\" < 2 RETURNING 1") // purged by the administrator
			r.apply(append(unreadable(1, test.value), put(1, "b", 20))...)
			if got := r.versions(); got != "1 a 10 20\n1 b 20 -" {
				t.Errorf("versions: %s", got)
			}
		})
	}
}

// TestRefusedTable checks that of a table of another source the first thousand events are stored
// and the others counted in a gap, over several batches, while other events are applied.
func TestRefusedTable(t *testing.T) {
	r := newRig(t)
	loan := change.Table{Schema: "library", Name: "loan"}
	other := apply.New(apply.Config{Connect: r.connect, Source: "tunes", Group: "group", Store: r.store})
	t.Cleanup(func() { _ = other.Close(t.Context()) })
	theirs := put(1, "theirs", 5)
	theirs.Source, theirs.Table = loan, loan
	if _, err := other.Apply(t.Context(), &change.Batch{Source: "tunes", Events: []change.Event{theirs}}); err != nil {
		t.Fatal(err)
	}
	refused := func(n int) []change.Event {
		events := make([]change.Event, n)
		for i := range events {
			events[i] = put(int32(i), "ours", 10)
			events[i].Source, events[i].Table = loan, loan
		}
		return events
	}
	r.applier = apply.New(apply.Config{Connect: r.connect, Source: "sensor", Group: "group", Store: r.store})
	out := r.apply(refused(900)...)
	if out.Rejected != 900 || len(out.Missing) != 0 {
		t.Errorf("first: %d rejected, missing %v", out.Rejected, out.Missing)
	}

	// As long as the source has no table of its own, it stops instead of losing events.
	_, err := r.try(refused(150)...)
	var stopped *rejected.RefusedError
	if !errors.As(err, &stopped) || stopped.Table() != loan || !stopped.Refused() {
		t.Fatalf("got %v, want that everything is refused", err)
	}

	out = r.apply(append(refused(150), put(7, "own", 10))...)
	const reason = `table library.loan belongs to data source "tunes": of what follows its first 1000 events nothing is stored`
	if out.Rejected != 100 || out.ByReason[change.NoTable] != 100 || out.Applied != 1 || len(out.Missing) != 1 || out.Missing[0].Missing != 50 || out.Missing[0].Reason != reason {
		t.Errorf("second: %+v", out)
	}
	out = r.apply(refused(30)...)
	if out.Rejected != 0 || len(out.Rejections) != 0 || out.Missing[0].Missing != 30 {
		t.Errorf("third: %+v", out)
	}
	if got, want := r.rows("SELECT (SELECT count(*) FROM metadb.rejected_event), missing, reason FROM metadb.stream_gap"), "1000 80 "+reason; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := r.versions(); got != "7 own 10 -" {
		t.Errorf("versions: %s", got)
	}
	if got, want := r.rows("SELECT count(*) FROM library.loan"), fmt.Sprint(1); got != want {
		t.Errorf("loans of the other source: %s", got)
	}
}
