package backoff

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPausesDouble checks that pauses double up to the longest one, and begin again after Reset.
func TestPausesDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(time.Second, 5*time.Second)
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second, time.Second} {
			if i == 5 {
				b.Reset()
			}
			began := time.Now()
			if err := b.Wait(t.Context()); err != nil || time.Since(began) != want {
				t.Errorf("pause %d: got %v, %v, want %v", i, time.Since(began), err, want)
			}
		}
	})
}

// TestSleepEndsWithContext checks that the end of the context ends a pause at once.
func TestSleepEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := Default().Wait(ctx); err != nil {
			t.Error(err)
		}
		if err := Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}
