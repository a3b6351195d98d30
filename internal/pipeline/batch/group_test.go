package batch

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
)

// batchOf makes a batch of events written as "topic/partition>table", with spans of
// their partitions. Each event takes as much memory as the next.
func batchOf(t *testing.T, events ...string) *Batch {
	t.Helper()
	b := &Batch{}
	for i, text := range events {
		topic, table, _ := strings.Cut(text, ">")
		name, number, _ := strings.Cut(topic, "/")
		part := change.Partition{Topic: name}
		if number != "" {
			if _, err := fmt.Sscan(number, &part.Number); err != nil {
				t.Fatal(err)
			}
		}
		e := change.Event{Op: change.Upsert, Position: change.Position{Partition: part, Offset: int64(i)}, Time: change.Micros(i + 1)}
		if table != "" {
			e.Table = change.Table{Schema: "s", Name: table}
		}
		b.addEvent(&e)
		if !slices.ContainsFunc(b.Spans, func(s change.Span) bool { return s.Partition == part }) {
			b.Spans = append(b.Spans, change.Span{Partition: part})
		}
	}
	return b
}

func TestGroups(t *testing.T) {
	for name, test := range map[string]struct {
		events []string
		want   [][]change.Lane
	}{
		"each topic its table":             {[]string{"a>x", "b>y", "a>x"}, [][]change.Lane{{"a"}, {"b"}}},
		"partitions of a topic":            {[]string{"a/0>x", "a/1>x", "b>y"}, [][]change.Lane{{"a"}, {"b"}}},
		"two topics of one table":          {[]string{"a>x", "b>x", "c>y"}, [][]change.Lane{{"a", "b"}, {"c"}}},
		"a topic of two tables":            {[]string{"a>x", "a>y", "b>z"}, [][]change.Lane{{"a"}, {"b"}}},
		"a topic of two tables joins":      {[]string{"a>x", "b>y", "c>z", "b>x"}, [][]change.Lane{{"a", "b"}, {"c"}}},
		"joined again by a third":          {[]string{"a>x", "b>y", "c>z", "d>x", "d>y", "d>z"}, [][]change.Lane{{"a", "b", "c", "d"}}},
		"joined tables go on together":     {[]string{"a>x", "b>y", "b>x", "c>y", "d>z"}, [][]change.Lane{{"a", "b", "c"}, {"d"}}},
		"a main table's name":              {[]string{"a>x__", "b>y", "c>x"}, [][]change.Lane{{"a", "c"}, {"b"}}},
		"a history table's name":           {[]string{"a>x", "b>zzz___x___2026", "c>zzz___x___", "d>zzz___y__"}, [][]change.Lane{{"a", "b", "c"}, {"d"}}},
		"a transformed table's name":       {[]string{"a>x__t__u", "b>x__t", "c>y__t"}, [][]change.Lane{{"a", "b"}, {"c"}}},
		"a prefix alone":                   {[]string{"a>x__t", "b>x__u", "c>__x"}, [][]change.Lane{{"a"}, {"b"}, {"c"}}},
		"events without a table stand off": {[]string{"a>", "b>", "c>x"}, [][]change.Lane{{"a"}, {"b"}, {"c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := batchOf(t, test.events...)
			var got [][]change.Lane
			cost := 0
			for _, g := range b.GroupTables() {
				slices.Sort(g.lanes)
				got, cost = append(got, g.lanes), cost+g.cost
			}
			slices.SortFunc(got, slices.Compare)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if want := b.Bytes + tableCost*len(b.Lanes()); cost != want {
				t.Errorf("they cost %d together, want %d", cost, want)
			}
		})
	}
}

// TestAssign assigns topics to sessions; each step is a batch with the costs of its topics.
func TestAssign(t *testing.T) {
	for name, steps := range map[string][]struct {
		costs map[change.Lane]int
		want  map[change.Lane]int
	}{
		"the largest first": {
			{map[change.Lane]int{"a": 60, "b": 50, "c": 20}, map[change.Lane]int{"a": 0, "b": 1, "c": 1}},
		},
		"where it was": {
			{map[change.Lane]int{"a": 60, "b": 50}, map[change.Lane]int{"a": 0, "b": 1}},
			{map[change.Lane]int{"a": 50, "b": 60}, map[change.Lane]int{"a": 0, "b": 1}},
			{map[change.Lane]int{"b": 50, "c": 40}, map[change.Lane]int{"b": 1, "c": 0}},
		},
		"elsewhere where one session had too much": {
			{map[change.Lane]int{"a": 60, "b": 10, "c": 50}, map[change.Lane]int{"a": 0, "b": 1, "c": 1}},
			{map[change.Lane]int{"b": 60, "c": 50}, map[change.Lane]int{"b": 1, "c": 0}},
			{map[change.Lane]int{"b": 50, "c": 60}, map[change.Lane]int{"b": 1, "c": 0}},
		},
		"one with more than the rest stays": {
			{map[change.Lane]int{"a": 60, "b": 50}, map[change.Lane]int{"a": 0, "b": 1}},
			{map[change.Lane]int{"a": 10, "b": 500}, map[change.Lane]int{"a": 0, "b": 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &LaneSessions{}
			for i, step := range steps {
				var groups []*TableGroup
				for topic, cost := range step.costs {
					groups = append(groups, &TableGroup{lanes: []change.Lane{topic, topic + "2"}, cost: cost})
				}
				want := make(map[change.Lane]int)
				for topic, session := range step.want {
					want[topic], want[topic+"2"] = session, session
				}
				if got := s.AssignSessions(groups, 2); !reflect.DeepEqual(got, want) {
					t.Errorf("batch %d: got %v, want %v", i, got, want)
				}
			}
		})
	}
}
