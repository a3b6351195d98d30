package kafka

import (
	"testing"

	"metadb/internal/change"
)

// TestFirstOffsets expects a partition without a stored position to be read again from
// the offset where it began, if the topic is the same one and has that offset.
func TestFirstOffsets(t *testing.T) {
	const group = "sensor_1"
	id, another := change.TopicID{1}, change.TopicID{2}
	part := change.Partition{Topic: "library.patron", Number: 1}
	for name, test := range map[string]struct {
		begun     change.Assignment
		group     string
		topic     change.TopicID
		committed int64
		want      bool
	}{
		"read on since":              {change.Assignment{Fresh: true, From: 3}, group, id, 7, true},
		"nothing read since":         {change.Assignment{Fresh: true, From: 3}, group, id, 3, false},
		"the group went back":        {change.Assignment{Fresh: true, From: 3}, group, id, 2, false},
		"the group has no offset":    {change.Assignment{Fresh: true, From: 3}, group, id, -1, false},
		"it had a position":          {change.Assignment{From: 3}, group, id, 7, false},
		"the topic was made anew":    {change.Assignment{Fresh: true, From: 3}, group, another, 7, false},
		"of another group":           {change.Assignment{Fresh: true, From: 3}, "sensor_2", id, 7, false},
		"begun again after a repeat": {change.Assignment{Fresh: true, From: 3, ReplayedBefore: 7}, group, id, 7, true},
	} {
		var firsts FirstOffsets
		test.begun.Partition, test.begun.TopicID = part, id
		firsts.noteOffset(group, &test.begun)
		if got, known := firsts.recallOffset(test.group, part, test.topic, test.committed); known != test.want || known && got != 3 {
			t.Errorf("%s: got %d, %t", name, got, known)
		}
	}
	var none *FirstOffsets
	none.noteOffset(group, &change.Assignment{Fresh: true})
	if _, known := none.recallOffset(group, part, id, 7); known {
		t.Error("nothing remembers something")
	}
}
