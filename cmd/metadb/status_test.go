package main

import (
	"testing"
	"time"

	"metadb/internal/client"
)

func TestStatusTable(t *testing.T) {
	lag, last := int64(12), time.Date(2026, 11, 22, 6, 1, 54, 0, time.UTC)
	o := &client.Overview{DatabaseBytes: 3 << 30, Sources: []client.SourceOverview{
		{Name: "library", Stream: "active", Sync: "normal", Lag: &lag, LastEvent: &last, PerSecond: 1234.5, Skipped: 2},
		{Name: "sensor", Stream: "gap", Sync: "snapshot", Rejected: 3, Message: "topic recreated"},
	}}
	const want = `SOURCE   STREAM  SYNC      LAG  EVENTS/S  LAST EVENT               REJECTED  SKIPPED
library  active  normal    12   1234      2026-11-22 06:01:54 UTC  0         2
sensor   gap     snapshot  ?    0         -                        3         0
sensor: topic recreated
database: 3.0 GB
`
	if got := statusTable(o); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWell(t *testing.T) {
	for _, test := range []struct {
		source client.SourceOverview
		want   bool
	}{
		{client.SourceOverview{Stream: "active", Sync: "normal"}, true},
		{client.SourceOverview{Stream: "starting", Sync: "snapshot"}, true},
		{client.SourceOverview{Stream: "error", Sync: "normal"}, false},
		{client.SourceOverview{Stream: "gap", Sync: "normal"}, false},
		{client.SourceOverview{Stream: "active", Sync: "snapshot_complete"}, false},
		{client.SourceOverview{Stream: "active", Sync: "normal", Rejected: 1}, false},
		{client.SourceOverview{Stream: "active", Sync: "normal", Skipped: 1}, false},
	} {
		if got := test.source.IsHealthy(); got != test.want {
			t.Errorf("%+v: got %t", test.source, got)
		}
	}
}

// TestExitStatuses checks that the exit status for a server that does not run differs from that
// of other errors.
func TestExitStatuses(t *testing.T) {
	dir := t.TempDir() + "/data"
	for _, test := range []struct {
		args []string
		want int
	}{
		{[]string{"status", "-D", dir}, 1},
		{[]string{"init", "-D", dir}, 0},
		{[]string{"status", "-D", dir}, exitNotRunning},
	} {
		if got := runCommand(t.Context(), test.args); got != test.want {
			t.Errorf("metadb %v: exit status %d, want %d", test.args, got, test.want)
		}
	}
}
