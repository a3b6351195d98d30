package debezium

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzSameJSON compares the comparison of placeholders with encoding/json.
func FuzzSameJSON(f *testing.F) {
	f.Add([]byte("[ 1 , 2\n]"), `[1,2]`)
	f.Add([]byte(`{"a b" : "c\"d"}`), `{"a b":"c\"d"}`)
	f.Add([]byte(`["\\"]`), `["\\"]`)
	f.Fuzz(func(t *testing.T, raw []byte, form string) {
		if !json.Valid(raw) || !json.Valid([]byte(form)) {
			return
		}
		var compact, other bytes.Buffer
		if json.Compact(&compact, raw) != nil || json.Compact(&other, []byte(form)) != nil || other.String() != form {
			return
		}
		if got := isSameJSON(raw, form); got != (compact.String() == form) {
			t.Fatalf("got %v", got)
		}
	})
}
