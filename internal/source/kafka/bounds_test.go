package kafka

import (
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"metadb/internal/change"
	"metadb/internal/source"
)

func TestQueryBounds(t *testing.T) {
	b := startBroker(t)
	b.create("a", 2)
	b.create("b", 1)
	b.produce("a", 0, 5)
	b.produce("b", 0, 1)
	_, err := b.admin.DeleteRecords(t.Context(), kadm.Offsets{"a": {0: {Topic: "a", Partition: 0, At: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := QueryBounds(t.Context(), b.cluster.ListenAddrs(), Security{}, []string{"a", "gone"})
	if err != nil {
		t.Fatal(err)
	}
	id := got[change.Partition{Topic: "a"}].TopicID
	if id == (change.TopicID{}) {
		t.Error("the topic has no id")
	}
	want := map[change.Partition]source.Bounds{{Topic: "a", Number: 0}: {Start: 2, End: 5, TopicID: id}, {Topic: "a", Number: 1}: {TopicID: id}}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestQueryBoundsWithoutBroker(t *testing.T) {
	_, err := QueryBounds(t.Context(), []string{"127.0.0.1:1"}, Security{}, []string{"a"})
	if err == nil || !strings.HasPrefix(err.Error(), "ask 127.0.0.1:1: ") {
		t.Errorf("got %v", err)
	}
}
