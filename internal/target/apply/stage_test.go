package apply_test

import (
	"strings"
	"testing"
)

// TestLongValuesAreCompressedByLZ4 checks the compression of long values, whichever strategy writes
// the row.
func TestLongValuesAreCompressedByLZ4(t *testing.T) {
	r := newRig(t)
	r.apply(put(1, strings.Repeat("long ", 5000), 10))
	r.apply(put(1, strings.Repeat("longer ", 5000), 20), put(2, strings.Repeat("long ", 5000), 20))
	if got, want := r.rows("SELECT id, pg_column_compression(v) FROM library.patron__ ORDER BY 1"), "1 lz4\n1 lz4\n2 lz4"; got != want {
		t.Errorf("got\n%s", got)
	}
}
