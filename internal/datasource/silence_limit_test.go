package datasource_test

import (
	"testing"
	"time"

	"metadb/internal/datasource"
)

func TestSilenceLimit(t *testing.T) {
	t.Parallel()
	const refused = `invalid value for option "silence_warning": `
	const why = ` is no time such as 90 s, 15 min or 1 h, nor off`
	for _, test := range []struct {
		value string
		want  time.Duration
		err   string
	}{
		{"", 15 * time.Minute, ""},
		{"off", 0, ""},
		{"90 s", 90 * time.Second, ""},
		{"20min", 20 * time.Minute, ""},
		{"2 Hours", 2 * time.Hour, ""},
		{"0 s", 0, refused + `"0 s"` + why},
		{"15", 0, refused + `"15"` + why},
		{"soon", 0, refused + `"soon"` + why},
		{"-1 h", 0, refused + `"-1 h"` + why},
	} {
		o := datasource.New("sensor")
		err := o.Set("silence_warning", test.value)
		if message(err) != test.err {
			t.Errorf("%q: %v, want %s", test.value, err, test.err)
		}
		if got := o.SilenceLimit(); err == nil && got != test.want {
			t.Errorf("%q: %s", test.value, got)
		}
	}
}
