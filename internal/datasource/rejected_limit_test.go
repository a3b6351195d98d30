package datasource_test

import (
	"testing"

	"metadb/internal/datasource"
)

func TestRejectedLimit(t *testing.T) {
	t.Parallel()
	const refused = `invalid value for option "rejected_limit": `
	const why = ` is neither a number of events nor a size in MB or GB, such as 500MB`
	for _, test := range []struct {
		value         string
		events, bytes int64
		err           string
	}{
		{"", 100_000, 1 << 30, ""},
		{"500", 500, 1 << 30, ""},
		{"20 GB", 100_000, 20 << 30, ""},
		{"7, 3mb", 7, 3 << 20, ""},
		{"0", 0, 0, refused + `"0"` + why},
		{"-1", 0, 0, refused + `"-1"` + why},
		{"many", 0, 0, refused + `"many"` + why},
		{"5,", 0, 0, refused + `""` + why},
		{"5 KB", 0, 0, refused + `"5 KB"` + why},
		{"99999999999", 0, 0, refused + `"99999999999"` + why},
	} {
		o := datasource.New("sensor")
		err := o.Set("rejected_limit", test.value)
		if message(err) != test.err {
			t.Errorf("%q: %v, want %s", test.value, err, test.err)
		}
		if events, bytes := o.RejectedBounds(); err == nil && (events != test.events || bytes != test.bytes) {
			t.Errorf("%q: %d events, %d bytes", test.value, events, bytes)
		}
	}
}
