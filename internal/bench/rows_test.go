package bench

import (
	"reflect"
	"testing"
)

func TestRowsAreLikeRealOnes(t *testing.T) {
	generator := newGenerator()
	if got := len(instance("p").Columns); got != 25 {
		t.Errorf("%d columns, want 25", got)
	}
	raw, err := newRaw(instance("raw"), 100, func(i int) []any { return generator.row(i, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if raw.row < 1100 || raw.row > 1300 {
		t.Errorf("a row has %d bytes, want about 1.2 KB", raw.row)
	}
	if raw.event < 5000 || raw.event > 7500 {
		t.Errorf("an event has %d bytes, a row %d, want 5 to 7 KB", raw.event, raw.row)
	}
	if !reflect.DeepEqual(generator.row(7, 0), generator.row(7, 0)) {
		t.Error("row 7 is not the same twice")
	}
	if reflect.DeepEqual(generator.row(7, 0), generator.row(7, 1)) || generator.row(7, 0)[0] != generator.row(7, 1)[0] {
		t.Error("an update changes the key, or nothing")
	}
}

func TestDocumentsAreAsLongAsTheySay(t *testing.T) {
	raw, err := newRaw(record("raw", "mapped"), 100, func(i int) []any { return mapped(i, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if raw.row < 1250 || raw.row > 1350 {
		t.Errorf("a row has %d bytes, want about 1.3 KB", raw.row)
	}
}
