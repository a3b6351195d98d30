package bench

import (
	"reflect"
	"testing"
)

func TestRowsAreLikeRealOnes(t *testing.T) {
	for _, test := range []struct {
		narrow                  bool
		columns, atLeast, below int
	}{
		{narrow: true, columns: 11, atLeast: 5_000, below: 5_500},
		{narrow: false, columns: 25, atLeast: 6_500, below: 7_500},
	} {
		generator := newRowGenerator(test.narrow)
		if got := len(generator.instanceTable("p").Columns); got != test.columns {
			t.Errorf("%d columns, want %d", got, test.columns)
		}
		raw, err := newRawStream(generator.instanceTable("raw"), 100, func(i int) []any { return generator.instanceRow(i, 0) })
		if err != nil {
			t.Fatal(err)
		}
		if raw.row < 1150 || raw.row > 1250 {
			t.Errorf("a row has %d bytes, want 1.2 KB", raw.row)
		}
		if raw.event < test.atLeast || raw.event >= test.below {
			t.Errorf("an event has %d bytes, want %d to %d", raw.event, test.atLeast, test.below)
		}
		if !reflect.DeepEqual(generator.instanceRow(7, 0), generator.instanceRow(7, 0)) {
			t.Error("row 7 is not the same twice")
		}
		if reflect.DeepEqual(generator.instanceRow(7, 0), generator.instanceRow(7, 1)) || generator.instanceRow(7, 0)[0] != generator.instanceRow(7, 1)[0] {
			t.Error("an update changes the key, or nothing")
		}
	}
}

func TestDocumentsAreAsLongAsTheySay(t *testing.T) {
	raw, err := newRawStream(documentTable("raw", "mapped"), 100, func(i int) []any { return documentRow(i, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if raw.row < 1250 || raw.row > 1350 {
		t.Errorf("a row has %d bytes, want about 1.3 KB", raw.row)
	}
}
