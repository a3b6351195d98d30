package pipeline

import (
	"errors"
	"fmt"
	"testing"
)

type refused string

func (r refused) Error() string    { return string(r) }
func (r refused) SQLState() string { return string(r) }

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		err  error
		want failureAction
	}{
		{errors.New("connection refused"), retryBatch},
		{refused("40P01"), retryBatch},    // deadlock
		{refused("55P03"), retryBatch},    // lock timeout
		{refused("42501"), retryBatch},    // a right is missing
		{refused("42P01"), rebuildStream}, // a table was dropped by hand
		{refused("42703"), rebuildStream},
		{refused("3F000"), rebuildStream},
	} {
		if got := decide(fmt.Errorf("apply batch to library.patron: %w", test.err)); got != test.want {
			t.Errorf("%v: got %d, want %d", test.err, got, test.want)
		}
	}
}
