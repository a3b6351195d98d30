package pace

import (
	"testing"
	"time"
)

func TestScale(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		loadavg string
		want    time.Duration
	}{
		{"0.00 0.00 0.00 1/200 12345\n", second},
		{"2.00 9.00 9.00 1/200 12345\n", second}, // two processors, both busy
		{"6.00 1.00 1.00 1/200 12345\n", 6 * second},
		{"0.50 0.10 0.10 10/200 12345\n", 10 * second}, // a burst
		{"", second},
		{"a b c d e", second},
		{"6.00 1.00 1.00 x/200 12345", second},
	} {
		if got := scale(second, c.loadavg, 2); got != c.want {
			t.Errorf("%q: got %s, want %s", c.loadavg, got, c.want)
		}
	}
	if got := Bound(second); got < second {
		t.Errorf("the limit became shorter: %s", got)
	}
}
