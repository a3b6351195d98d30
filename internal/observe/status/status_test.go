package status

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"metadb/internal/change"
)

func TestReport(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	want := Report{Name: "sensor", Stream: Inactive, Sync: Normal, Lag: UnknownLag}
	if got := s.Report(); !reflect.DeepEqual(got, want) {
		t.Errorf("new: got %+v, want %+v", got, want)
	}
	clock := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	s.confirmed.now = s.now
	s.SetStream(Error, "broker away")
	since := clock
	clock = clock.Add(time.Minute)
	s.SetStream(Error, "broker away")
	s.SetSync(Snapshot)
	s.SetLag(7)
	last := clock
	s.Applied(3, 1, last)
	s.Applied(2, 0, last.Add(-time.Hour))
	want = Report{
		Name: "sensor", Stream: Error, Sync: Snapshot, Lag: 7, LastEvent: last, Events: 5, Rejected: 1,
		Message: "broker away", Since: since,
	}
	if got := r.Source("sensor").Report(); !reflect.DeepEqual(got, want) {
		t.Errorf("later: got %+v, want %+v", got, want)
	}
	s.SetStream(Active, "")
	if got := s.Report(); got.Message != "" || !got.Since.IsZero() {
		t.Errorf("recovered: got %+v", got)
	}
}

func TestGapStaysUntilCleared(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	s.AddGap(change.Gap{Partition: change.Partition{Topic: "a"}, Missing: 12, Reason: "a/0 has lost records"})
	s.SetStream(Active, "")
	if got := s.Report(); got.Stream != Gap || got.MissingEvents != 12 || got.Message == "" {
		t.Errorf("got %+v, want the gap", got)
	}
	s.SetStream(Error, "broker away")
	if got := s.Report().Stream; got != Error {
		t.Errorf("an error is said although there is a gap: got %s", got)
	}
	s.SetStream(Active, "")
	if got := s.Report(); got.Stream != Gap || got.Message != "a/0 has lost records, 12 events are missing; the data source has to be resynchronized" {
		t.Errorf("after the error got %+v, want the gap again", got)
	}
	s.AddGap(change.Gap{Partition: change.Partition{Topic: "b"}, Reason: "topic is gone"})
	if got := s.Report().Message; got != "2 gaps, 12 events are missing, the last: topic is gone; the data source has to be resynchronized" {
		t.Errorf("got %s", got)
	}
	s.AddGap(change.Gap{Partition: change.Partition{Topic: "a"}, Missing: 3, Reason: "refused", Tables: []change.Table{{Schema: "s", Name: "t"}}})
	if got := s.Report(); got.MissingEvents != 15 || !strings.HasPrefix(got.Message, "2 gaps, 15 events are missing, the last: refused, 15 events") ||
		!strings.HasSuffix(got.Message, `with "sync table": s.t`) {
		t.Errorf("got %s", got.Message)
	}
	s.SetGaps(nil)
	if got := s.Report(); got.Stream != Active || got.MissingEvents != 0 || got.Message != "" {
		t.Errorf("got %+v, want it active", got)
	}
}

func TestSkipTellsOnce(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	for _, name := range []string{"mod_b.x", "mod_a.x"} {
		if !s.SkippedTables().Add(name, name[4:]) || s.SkippedTables().Add(name, name[4:]) {
			t.Errorf("%s: a warning is due exactly once", name)
		}
	}
	expect := func(want ...string) {
		t.Helper()
		if got := s.Report().Skipped; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	expect("mod_a.x", "mod_b.x")
	s.SkippedTables().HasKey("b.x") // the table has got a key
	s.SkippedTables().HasKey("c.x")
	expect("mod_a.x")
	if s.SkippedTables().Add("mod_b.x", "b.x") {
		t.Error("a second warning in one run")
	}
	expect("mod_a.x", "mod_b.x")
	s.SkippedTables().Reset() // the stream is read with other options
	expect()
	if !s.SkippedTables().Add("mod_a.x", "a.x") {
		t.Error("no warning in another run")
	}
}

// TestRefusedUntilNothingIsRejected checks that a table is listed once, until no rejected event is
// left.
func TestRefusedUntilNothingIsRejected(t *testing.T) {
	var r Registry
	s := r.Source("sensor")
	s.SetRejected(3)
	if !s.Refuse("x") || s.Refuse("x") {
		t.Errorf("a warning is due exactly once")
	}
	s.RejectedRemoved(2)
	if got := s.Report(); got.Rejected != 1 || !slices.Equal(got.Refused, []string{"x"}) {
		t.Errorf("got %+v", got)
	}
	s.RejectedRemoved(2)
	if got := s.Report(); got.Rejected != 0 || got.Refused != nil {
		t.Errorf("got %+v", got)
	}
}

// TestAway checks that no stream is reported as active while the database is unreachable, whatever
// its own state, and that its state returns afterwards.
func TestAway(t *testing.T) {
	var r Registry
	r.Source("active").SetStream(Active, "")
	r.Source("broken").SetStream(Error, "no broker")
	r.Source("idle")
	shown := func() string {
		var lines []string
		for _, report := range r.Reports() {
			lines = append(lines, strings.TrimSpace(string(report.Stream)+" "+report.Message))
		}
		return strings.Join(lines, ", ")
	}
	before := shown()
	r.SetAway(errors.New("refused"))
	since := r.Reports()[0].Since
	if got := shown(); got != "error refused, error no broker, inactive" || since.IsZero() {
		t.Errorf("got %s since %s", got, since)
	}
	r.SetAway(errors.New("unreachable"))
	if got := r.Reports()[0]; got.Message != "unreachable" || !got.Since.Equal(since) {
		t.Errorf("got %+v", got)
	}
	r.SetAway(nil)
	if got := shown(); got != before {
		t.Errorf("got %s, want %s", got, before)
	}
}

func TestRegistryOrderAndRemoval(t *testing.T) {
	var r Registry
	var wait sync.WaitGroup
	for _, name := range []string{"c", "a", "b"} {
		wait.Go(func() { r.Source(name).Applied(1, 0, time.Time{}) })
	}
	wait.Wait()
	r.Remove("b")
	var names []string
	for _, report := range r.Reports() {
		names = append(names, report.Name)
	}
	if !slices.Equal(names, []string{"a", "c"}) {
		t.Errorf("got %v", names)
	}
}
