package monitor

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond:       10 * time.Second,
		300 * time.Millisecond: 30 * time.Second,
		time.Hour:              10 * time.Minute,
	} {
		if got := pause(took); got != want {
			t.Errorf("after %s: %s, want %s", took, got, want)
		}
	}
}

// TestDetailIsKept: where the database does not answer, the last answer stands.
func TestDetailIsKept(t *testing.T) {
	var err error
	asked := 0
	d := &details{ask: func(context.Context) (Detail, error) {
		asked++
		return Detail{Bytes: int64(asked)}, err
	}}
	want := string(d.get(t.Context()))
	err = errors.New("no answer")
	d.again = time.Time{}
	if got := string(d.get(t.Context())); got != want || got == "" || asked != 2 {
		t.Errorf("got %s after %d questions, want %s", got, asked, want)
	}
}
