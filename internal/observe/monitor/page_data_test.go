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
		if got := pauseAfter(took); got != want {
			t.Errorf("after %s: %s, want %s", took, got, want)
		}
	}
}

// TestDetailIsKept checks that, if the database does not answer, the last data stay, with the
// error.
func TestDetailIsKept(t *testing.T) {
	var err error
	asked := 0
	d := &pageDataCache{load: func(context.Context) (PageData, error) {
		asked++
		return PageData{Bytes: int64(asked)}, err
	}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, `{"tables":null,"rejected":null,"bytes":1}`},
		{ErrNotNow, `{"tables":null,"rejected":null,"bytes":1}`},
		{errors.New("no answer"), `{"tables":null,"rejected":null,"bytes":1,"trouble":"no answer"}`},
		{nil, `{"tables":null,"rejected":null,"bytes":4}`},
	} {
		err, d.again = test.err, time.Time{}
		if got := string(d.cachedJSON(t.Context())); got != test.want {
			t.Errorf("%v: got %s, want %s", test.err, got, test.want)
		}
	}
}
