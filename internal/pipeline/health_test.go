package pipeline

import (
	"errors"
	"testing"
)

// TestHealthOfStages expects a stream not to be active before the first fetch succeeds:
// the deadline of a snapshot must not pass while no topic exists, or the log would
// recommend endsync for a snapshot that has not begun.
func TestHealthOfStages(t *testing.T) {
	h := &streamHealth{}
	away := errors.New("away")
	for i, step := range []struct {
		of   stage
		err  error
		well bool
	}{
		{applyStage, nil, false}, // nothing was fetched yet
		{fetchStage, away, false},
		{fetchStage, nil, true},
		{applyStage, away, false},
		{applyStage, nil, true},
		{fetchStage, away, false},
	} {
		if i == 0 && h.isHealthy() {
			t.Error("well from the beginning")
		}
		h.setStage(step.of, step.err)
		if h.isHealthy() != step.well {
			t.Errorf("step %d: well is %t", i, h.isHealthy())
		}
	}
}
