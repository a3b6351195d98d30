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
		want decision
	}{
		{errors.New("connection refused"), tryAgain},
		{refused("40P01"), tryAgain}, // deadlock
		{refused("55P03"), tryAgain}, // lock timeout
		{refused("42501"), tryAgain}, // a right is missing
		{refused("42P01"), restart},  // a table was dropped by hand
		{refused("42703"), restart},
		{refused("3F000"), restart},
	} {
		if got := decide(fmt.Errorf("apply batch to library.patron: %w", test.err)); got != test.want {
			t.Errorf("%v: got %d, want %d", test.err, got, test.want)
		}
	}
}
