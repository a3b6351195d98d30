package kafka

import (
	"regexp"
	"slices"
	"testing"
)

func TestQueryTopics(t *testing.T) {
	b := startBroker(t)
	for _, name := range []string{"sensor.b", "other", "sensor.a"} {
		b.create(name, 1)
	}
	got, err := QueryTopics(t.Context(), b.cluster.ListenAddrs(), Security{}, []*regexp.Regexp{regexp.MustCompile(`^sensor\.`), regexp.MustCompile(`b$`)})
	if err != nil || !slices.Equal(got, []string{"sensor.a", "sensor.b"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
