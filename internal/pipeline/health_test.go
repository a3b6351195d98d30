package pipeline

import (
	"errors"
	"testing"
)

// TestWell holds that a stream is not active before anything could be fetched:
// the deadline of a snapshot must not pass while no topic is there, or endsync
// would be recommended for a snapshot that has not begun.
func TestWell(t *testing.T) {
	h := &health{}
	away := errors.New("away")
	for i, step := range []struct {
		of   side
		err  error
		well bool
	}{
		{applying, nil, false}, // nothing was fetched yet
		{fetching, away, false},
		{fetching, nil, true},
		{applying, away, false},
		{applying, nil, true},
		{fetching, away, false},
	} {
		if i == 0 && h.well() {
			t.Error("well from the beginning")
		}
		h.set(step.of, step.err)
		if h.well() != step.well {
			t.Errorf("step %d: well is %t", i, h.well())
		}
	}
}
