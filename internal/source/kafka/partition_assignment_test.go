package kafka

import (
	"reflect"
	"slices"
	"testing"

	"metadb/internal/change"
)

func TestResume(t *testing.T) {
	part := change.Partition{Topic: "library.patron", Number: 1}
	old, young := change.TopicID{1}, change.TopicID{2}
	for _, test := range []struct {
		name       string
		mark       change.PartitionProgress
		id         change.TopicID
		start, end int64
		from       int64
		missing    int64
		reason     string
	}{
		{name: "where it stopped", mark: change.PartitionProgress{Next: 7, TopicID: old}, id: old, start: 0, end: 9, from: 7},
		{name: "at the end", mark: change.PartitionProgress{Next: 9, TopicID: old}, id: old, start: 0, end: 9, from: 9},
		{name: "at the start", mark: change.PartitionProgress{Next: 3}, id: old, start: 3, end: 9, from: 3},
		{
			name: "retention", mark: change.PartitionProgress{Next: 2, TopicID: old}, id: old, start: 5, end: 9, from: 5, missing: 3,
			reason: "library.patron/1 has lost offsets 2 to 4 by retention",
		},
		{
			name: "another topic of the same name", mark: change.PartitionProgress{Next: 2, TopicID: old}, id: young, start: 0, end: 9,
			reason: "topic library.patron was deleted and created again",
		},
		{name: "a broker without identities", mark: change.PartitionProgress{Next: 2, TopicID: old}, start: 0, end: 9, from: 2},
		{
			name: "shorter than before", mark: change.PartitionProgress{Next: 12}, start: 1, end: 9, from: 1,
			reason: "library.patron/1 ends at offset 9, before the stored position 12: it was created again or has lost data",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, gap := resumeOffset(part, test.mark, test.id, test.start, test.end)
			if from != test.from {
				t.Errorf("goes on at %d, want %d", from, test.from)
			}
			switch {
			case gap == nil && test.reason != "":
				t.Errorf("no gap, want %q", test.reason)
			case gap != nil && !reflect.DeepEqual(*gap, change.Gap{Partition: part, Missing: test.missing, Reason: test.reason}):
				t.Errorf("got %+v, want %d missing, %q", *gap, test.missing, test.reason)
			}
		})
	}
}

// TestTakenBeforeItIsDelivered has a rebalance give two partitions and another one take
// one of them again before anything is fetched: it is not said to begin.
func TestTakenBeforeItIsDelivered(t *testing.T) {
	s := &Source{
		owned:    map[change.Partition]bool{patron: true, loan: true},
		assigned: []change.Assignment{{Partition: patron}, {Partition: loan}},
	}
	s.revokePartitions(t.Context(), nil, map[string][]int32{patron.Topic: {patron.Number}})
	got := s.withAssignments(change.Delivery{})
	if len(got.Assigned) != 1 || got.Assigned[0].Partition != loan || !slices.Equal(got.Revoked, []change.Partition{patron}) {
		t.Errorf("begun %+v, ended %v, want %s begun and %s ended", got.Assigned, got.Revoked, loan, patron)
	}
}
