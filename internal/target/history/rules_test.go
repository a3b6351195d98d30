package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// shape has a text key and a text value.
var shape = &change.Shape{
	Columns: []change.Column{{Name: "id", Type: change.Text}, {Name: "value", Type: change.Text}},
	Key:     []int{0},
}

func target() history.Target {
	return history.Target{Table: &catalog.Table{
		Columns: []catalog.Column{{Column: shape.Columns[0], Stored: "id"}, {Column: shape.Columns[1], Stored: "value"}}, Key: []int{0},
	}}
}

// put returns an upsert at a time. The value "-" is unavailable.
func put(key, value string, at change.Micros) change.Event {
	row := change.AppendValue(nil, []byte(key))
	if value == "-" {
		row = change.AppendUnavailable(row)
	} else {
		row = change.AppendValue(row, []byte(value))
	}
	return change.Event{Op: change.Upsert, Shape: shape, Row: row, Time: at}
}

func del(key string, at change.Micros) change.Event {
	return change.Event{
		Op: change.Delete, Time: at, Row: change.AppendValue(nil, []byte(key)),
		Shape: &change.Shape{Columns: shape.Columns[:1], Key: shape.Key},
	}
}

func truncate(at change.Micros) change.Event { return change.Event{Op: change.Truncate, Time: at} }

func suspect(e change.Event) change.Event {
	e.Suspect = true
	return e
}

func chunksOf(events []change.Event) []*history.Chunk {
	indexes := make([]int, len(events))
	for i := range indexes {
		indexes[i] = i
	}
	return history.SplitChunks(target(), indexes, events)
}

// TestSplitChunks checks which events end a chunk: a truncate, and an event that depends on rows
// which the chunk writes.
func TestSplitChunks(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []change.Event
		want   string
	}{
		{"one run", []change.Event{put("a", "x", 1), del("a", 2), put("b", "y", 3)}, "[0 1 2]"},
		{"truncate", []change.Event{put("a", "x", 1), truncate(2), put("a", "x", 3)}, "[0] [1] [2]"},
		{"possible repetition of a key", []change.Event{put("a", "x", 1), put("b", "x", 1), suspect(put("a", "y", 2))}, "[0 1] [2]"},
		{"possible repetition of another key", []change.Event{put("a", "x", 1), suspect(put("b", "y", 2))}, "[0 1]"},
	} {
		var got []string
		for _, c := range chunksOf(test.events) {
			got = append(got, fmt.Sprint(c.Events))
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// TestFold checks that the changes of a key are adjacent, sorted by key, and take unavailable values
// from the change before them.
func TestFold(t *testing.T) {
	events := []change.Event{put("b", "x", 1), put("a", "-", 2), put("b", "-", 3), del("b", 4), put("b", "-", 5)}
	f := history.Fold(chunksOf(events)[0], events)
	var got []string
	for _, c := range f.Changes {
		got = append(got, fmt.Sprintf("%d %v %v", c.Event, c.Head, c.Unavailable))
	}
	if want := []string{"1 true [1]", "0 true []", "2 false []", "3 false []", "4 false []"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := string(f.Changes[2].Row.Cell(1).Bytes); got != "x" {
		t.Errorf("the unavailable value is %q", got)
	}
	if state := f.Changes[4].Row.Cell(1).State; state != change.Null || !f.ValuesLost {
		t.Errorf("after a delete the unavailable value has state %d, lost %v", state, f.ValuesLost)
	}
}

// TestDecide checks the history rules of docs/spec/01-tables.md#history-rules.
func TestDecide(t *testing.T) {
	row := func(start change.Micros, same bool) []history.CurrentRow {
		return []history.CurrentRow{{ID: 7, Start: start, SameValues: same}}
	}
	confirming := func(e change.Event) change.Event {
		e.Confirm = true
		return e
	}
	for _, test := range []struct {
		name    string
		events  []change.Event
		current []history.CurrentRow
		lastEnd change.Micros
		want    string
	}{
		{"new", []change.Event{put("a", "x", 10)}, nil, 0, "begin 10"},
		{"changed", []change.Event{put("a", "x", 10)}, row(5, false), 0, "end 7 10, begin 10"},
		{"unchanged", []change.Event{put("a", "x", 10)}, row(5, true), 0, ""},
		{"unchanged and confirmed", []change.Event{confirming(put("a", "x", 10))}, row(5, true), 0, "confirm 7"},
		{"deleted", []change.Event{del("a", 10)}, row(5, false), 0, "end 7 10"},
		{"deleted before its start", []change.Event{del("a", 3)}, row(5, false), 0, "end 7 5"},
		{"not there", []change.Event{del("a", 10)}, nil, 0, ""},
		{"begun and ended", []change.Event{put("a", "x", 10), del("a", 20)}, nil, 0, "begin 10 20"},
		{"after the last end", []change.Event{put("a", "x", 10)}, nil, 15, "begin 15"},
		{"three", []change.Event{put("a", "x", 10), put("a", "y", 20), put("a", "z", 30)}, row(5, false), 0, "end 7 10, begin 10 20, begin 20 30, begin 30"},
		{"two current rows", []change.Event{put("a", "x", 10)}, append(row(5, true), history.CurrentRow{ID: 8, Start: 6}), 0, "end 8 10, end 7 10, begin 10"},
	} {
		f := history.Fold(chunksOf(test.events)[0], test.events)
		m := history.NewMatches(len(f.Changes))
		for _, row := range test.current {
			m.AddCurrent(0, row)
		}
		if test.lastEnd != 0 {
			m.LastEnd = map[int]change.Micros{0: test.lastEnd}
		}
		if got := describe(history.Decide(f, m)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// describe returns a decision as text.
func describe(d *history.Decision) string {
	var parts []string
	for _, e := range d.Ended {
		parts = append(parts, fmt.Sprintf("end %d %d", e.ID, e.End))
	}
	for _, v := range d.Versions {
		part := fmt.Sprintf("begin %d", v.Start)
		if v.End != history.MaxTime {
			part += fmt.Sprintf(" %d", v.End)
		}
		parts = append(parts, part)
	}
	for _, c := range d.Confirmed {
		parts = append(parts, fmt.Sprintf("confirm %d", c.ID))
	}
	return strings.Join(parts, ", ")
}

// TestDecideRepeated checks that a repeated change alters nothing, and confirms the row that was
// current at its time.
func TestDecideRepeated(t *testing.T) {
	for start, want := range map[change.Micros]string{5: "confirm 7", 15: ""} {
		e := put("a", "x", 10)
		e.Confirm = true
		f := history.Fold(chunksOf([]change.Event{e})[0], []change.Event{e})
		m := history.NewMatches(1)
		m.AddCurrent(0, history.CurrentRow{ID: 7, Start: start})
		m.MarkRepeated(0)
		if got := describe(history.Decide(f, m)); got != want {
			t.Errorf("row from %d: got %q, want %q", start, got, want)
		}
	}
}
