package kafka

import (
	"testing"

	"metadb/internal/change"
)

// TestFirsts: a partition without a stored position is read again from where it was
// begun, where the same topic is that far.
func TestFirsts(t *testing.T) {
	const group = "sensor_1"
	id, another := change.TopicID{1}, change.TopicID{2}
	part := change.Partition{Topic: "library.patron", Number: 1}
	for name, test := range map[string]struct {
		begun     change.Beginning
		group     string
		topic     change.TopicID
		committed int64
		want      bool
	}{
		"read on since":              {change.Beginning{Fresh: true, From: 3}, group, id, 7, true},
		"nothing read since":         {change.Beginning{Fresh: true, From: 3}, group, id, 3, false},
		"the group went back":        {change.Beginning{Fresh: true, From: 3}, group, id, 2, false},
		"the group has no offset":    {change.Beginning{Fresh: true, From: 3}, group, id, -1, false},
		"it had a position":          {change.Beginning{From: 3}, group, id, 7, false},
		"the topic was made anew":    {change.Beginning{Fresh: true, From: 3}, group, another, 7, false},
		"of another group":           {change.Beginning{Fresh: true, From: 3}, "sensor_2", id, 7, false},
		"begun again after a repeat": {change.Beginning{Fresh: true, From: 3, Again: 7}, group, id, 7, true},
	} {
		var firsts Firsts
		test.begun.Partition, test.begun.TopicID = part, id
		firsts.note(group, &test.begun)
		if got, known := firsts.recall(test.group, part, test.topic, test.committed); known != test.want || known && got != 3 {
			t.Errorf("%s: got %d, %t", name, got, known)
		}
	}
	var none *Firsts
	none.note(group, &change.Beginning{Fresh: true})
	if _, known := none.recall(group, part, id, 7); known {
		t.Error("nothing remembers something")
	}
}
