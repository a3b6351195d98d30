package change_test

import (
	"testing"

	"metadb/internal/change"
)

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{-1: "-1 rows are", 0: "0 rows are", 1: "1 row is", 2: "2 rows are", 21: "21 rows are"} {
		if got := change.Plural(n, "row is", "rows are"); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
