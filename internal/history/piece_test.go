package history

import (
	"testing"

	"metadb/internal/change"
)

func TestPiece(t *testing.T) {
	of := func(count, bytes int) []reject {
		rejects := make([]reject, count)
		for i := range rejects {
			rejects[i].event = &change.Event{Record: change.Record{Tail: make([]byte, bytes)}}
		}
		return rejects
	}
	for name, test := range map[string]struct {
		rejects []reject
		want    int
	}{
		"one":              {of(1, 10), 1},
		"all":              {of(pieceEvents, 10), pieceEvents},
		"too many":         {of(pieceEvents+1, 10), pieceEvents},
		"too large":        {of(5, pieceBytes/2), 2},
		"one is too large": {of(2, 2*pieceBytes), 1},
	} {
		if got := piece(test.rejects); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}
