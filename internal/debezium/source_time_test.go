package debezium

import (
	"testing"
	"time"

	"metadb/internal/change"
)

// TestBoundTime: the source's time against the record's in Kafka.
func TestBoundTime(t *testing.T) {
	day := func(text string) change.Micros {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return change.Micros(at.UnixMicro())
	}
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		source, record, want string
		remote               bool
	}{
		{source: "2026-11-30", record: "2026-11-30", want: "2026-11-30"},
		{source: "2026-11-01", record: "2026-10-31", want: "2026-11-01"},
		{source: "2026-11-03", record: "2026-11-01", want: "2026-11-01"},
		{source: "9000-01-01", record: "2026-11-30", want: "2026-11-30"},
		{source: "9000-01-01", record: "9000-01-01", want: "2026-12-01"},
		{source: "2026-11-30", record: "9000-01-01", want: "2026-11-30"},
		{source: "2026-11-30", record: "1970-01-02", want: "2026-11-30"},
		{source: "1999-01-01", record: "2026-11-30", want: "1999-01-01"},
		{source: "1996-01-01", record: "2026-11-30", want: "1996-01-01", remote: true},
		{source: "1700-01-01", record: "1700-01-01", want: "1700-01-01", remote: true},
		{source: "1996-01-01", record: "2012-01-01", want: "1996-01-01"},
	} {
		t.Run(test.source+" in "+test.record, func(t *testing.T) {
			e := change.Event{Time: day(test.source)}
			BoundTime(&e, day(test.record), func() time.Time { return now })
			if e.Time != day(test.want) || e.TimeFarPast != test.remote {
				t.Errorf("got %s, remote %t", e.Time.UTC(), e.TimeFarPast)
			}
			claimed := change.Micros(0)
			if test.want != test.source {
				claimed = day(test.source)
			}
			if e.ClaimedTime != claimed || len(e.Notes) != min(int(claimed), 1) {
				t.Errorf("claimed is %d, notes are %v", e.ClaimedTime, e.Notes)
			}
		})
	}
	e := change.Event{Time: day("9000-01-01")}
	if BoundTime(&e, 0, time.Now); e.ClaimedTime != 0 {
		t.Error("the record has no time to compare with")
	}
}
