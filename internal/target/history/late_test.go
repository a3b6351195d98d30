package history_test

import (
	"fmt"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/history"
)

// TestDecideLatePlacement checks the place of a late event between the versions of its key.
func TestDecideLatePlacement(t *testing.T) {
	version := func(start, end change.Micros) history.VersionInterval {
		return history.VersionInterval{ID: int64(start), Start: start, End: end, Current: end == history.MaxTime}
	}
	same := func(v history.VersionInterval) history.VersionInterval {
		v.SameValues = true
		return v
	}
	later := func(at change.Micros) history.ValidityLimit { return history.ValidityLimit{SupersededAt: &at} }
	for _, test := range []struct {
		name     string
		versions []history.VersionInterval
		until    history.ValidityLimit
		isDelete bool
		want     string
	}{
		{"before the first version", []history.VersionInterval{version(20, history.MaxTime)}, history.ValidityLimit{}, false, "write 10 20"},
		{"between two versions", []history.VersionInterval{version(5, 20), version(20, 30)}, later(20), false, "shorten 5, write 10 20"},
		{"inside a version that resumes", []history.VersionInterval{version(5, history.MaxTime)}, later(20), false, "shorten 5, resume at 20, write 10 20"},
		{"with the values of the version before it", []history.VersionInterval{same(version(5, 20))}, later(20), false, "nothing"},
		{"with the values of the version after it", []history.VersionInterval{same(version(20, 30))}, later(20), false, "begin 20 at 10"},
		{"with the values of a row that was inserted again", []history.VersionInterval{same(version(20, 30))}, history.ValidityLimit{TruncatedAt: 20}, false, "write 10 20"},
		{"delete inside a version", []history.VersionInterval{version(5, 30)}, later(20), true, "shorten 5, resume at 20"},
		{"delete of nothing", []history.VersionInterval{version(20, 30)}, later(20), true, "nothing"},
		{"ends with a truncate", nil, history.ValidityLimit{TruncatedAt: 15}, false, "write 10 15"},
	} {
		p := history.DecideLatePlacement(test.versions, 10, test.until, !test.isDelete)
		if got := describePlacement(p); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func describePlacement(p history.LatePlacement) string {
	if p.NoEffect {
		return "nothing"
	}
	text := ""
	add := func(format string, args ...any) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf(format, args...)
	}
	if p.ShortenPreceding {
		add("shorten %d", p.PrecedingVersion.ID)
	}
	if p.ResumePreceding {
		add("resume at %d", p.End)
	}
	if p.MergeInto != nil {
		add("begin %d at %d", p.MergeInto.ID, p.Start)
	}
	if p.WriteVersion {
		add("write %d %d", p.Start, p.End)
	}
	return text
}

// TestIsRepetition checks by which versions an event is known to have been applied.
func TestIsRepetition(t *testing.T) {
	versions := []history.VersionInterval{{Start: 5, End: 10, SameValues: true}, {Start: 10, End: 20}}
	for _, test := range []struct {
		at     change.Micros
		upsert bool
		want   bool
	}{
		{5, true, true},
		{9, true, true},
		{10, true, false},
		{15, true, false},
		{10, false, true},
		{15, false, false},
		{20, false, true},
		{30, false, true},
	} {
		if got := history.IsRepetition(versions, test.at, test.upsert); got != test.want {
			t.Errorf("at %d, upsert %v: got %v", test.at, test.upsert, got)
		}
	}
}

// TestTruncations checks which applied truncates an event precedes.
func TestTruncations(t *testing.T) {
	all := history.Truncations{
		{Partition: change.Partition{Topic: "t", Number: 1}, LSN: 200, At: 20},
		{Partition: change.Partition{Topic: "t", Number: 1}, LSN: 100, At: 10},
		{Partition: change.Partition{Topic: "t", Number: 1}, LSN: 300, At: 30, Origin: "other"},
	}
	event := func(partition int32, lsn uint64, at change.Micros) *change.Event {
		return &change.Event{Position: change.Position{Partition: change.Partition{Topic: "t", Number: partition}}, LSN: lsn, Time: at}
	}
	for _, test := range []struct {
		name string
		e    *change.Event
		want change.Micros
	}{
		{"before both", event(0, 50, 5), 10},
		{"between", event(0, 150, 15), 20},
		{"after both", event(0, 250, 25), 0},
		{"in the truncate's partition", event(1, 50, 5), 0},
		{"lower position, later time, as of a restored source", event(0, 50, 25), 0},
	} {
		if got := all.TimeAfter(test.e); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if !all.HasApplied(event(0, 200, 20)) || all.HasApplied(event(0, 200, 21)) {
		t.Error("an applied truncate is identified by its position and time")
	}
}

// TestPositionJudge checks how the positions of a key's versions show whether a suspect has been
// applied, is late or is new.
func TestPositionJudge(t *testing.T) {
	position := func(id int64, lsn uint64, at change.Micros) history.RowPosition {
		return history.RowPosition{ID: id, LSN: lsn, At: at}
	}
	current := history.LastingVersion{ID: 1, Start: 20, End: history.MaxTime, Current: true}
	for _, test := range []struct {
		name      string
		positions []history.RowPosition
		at        change.Micros
		lsn       uint64
		same      bool
		want      string
	}{
		{"its position is stored", []history.RowPosition{position(1, 200, 20)}, 20, 200, false, "repeated"},
		{"a later change is stored", []history.RowPosition{position(1, 200, 20)}, 10, 100, false, "late"},
		{"the last change is stored", []history.RowPosition{position(1, 200, 20)}, 30, 300, false, "new"},
		{"no position", nil, 30, 300, false, "unknown"},
		{"no position, and a version with its values", nil, 30, 300, true, "unknown"},
		{"a later change is stored, and a version with its values", []history.RowPosition{position(1, 400, 40)}, 30, 300, true, "repeated"},
	} {
		m := history.NewMatches(1)
		if test.want == "new" {
			m.MarkRepeated(0) // by its values
		}
		judge := history.PositionJudge{Positions: map[int64][]history.RowPosition{1: test.positions}, Matches: m}
		e := put("a", "x", test.at)
		e.LSN = test.lsn
		current.SameValues = test.same
		judge.JudgeChange(&e, 0, []history.LastingVersion{current})
		got := "unknown"
		switch _, late := m.SupersededBy[0]; {
		case m.Repeated[0]:
			got = "repeated"
		case late:
			got = "late"
		case test.want == "new":
			got = "new"
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
