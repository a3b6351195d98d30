package rejected

import (
	"testing"

	"metadb/internal/change"
)

func TestCountForStatement(t *testing.T) {
	of := func(count, bytes int) []Event {
		rejects := make([]Event, count)
		for i := range rejects {
			rejects[i].Event = &change.Event{Record: change.Record{Tail: make([]byte, bytes)}}
		}
		return rejects
	}
	for name, test := range map[string]struct {
		rejects []Event
		want    int
	}{
		"one":              {of(1, 10), 1},
		"all":              {of(maxStatementEvents, 10), maxStatementEvents},
		"too many":         {of(maxStatementEvents+1, 10), maxStatementEvents},
		"too large":        {of(5, maxStatementBytes/2), 2},
		"one is too large": {of(2, 2*maxStatementBytes), 1},
	} {
		if got := countForStatement(test.rejects); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}
