package datatype_test

import (
	"fmt"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// allTypes lists every type.
func allTypes() []change.Type {
	var types []change.Type
	for t := change.Text; int(t) < change.TypeCount; t++ {
		types = append(types, t)
	}
	return types
}

func TestWiden(t *testing.T) {
	const (
		small, integer, big = change.SmallInt, change.Integer, change.BigInt
		float, double       = change.Real, change.Double
		numeric, text       = change.Numeric, change.Text
	)
	for _, c := range []struct{ stored, arriving, want change.Type }{
		{small, integer, integer},
		{small, big, big},
		{integer, big, big},
		{integer, small, integer},
		{big, small, big},
		{big, integer, big},
		{float, double, double},
		{double, float, double},
		{small, float, double},
		{small, double, double},
		{integer, float, double},
		{integer, double, double},
		{float, small, double},
		{float, integer, double},
		{double, small, double},
		{double, integer, double},
		{big, float, numeric},
		{big, double, numeric},
		{float, big, numeric},
		{double, big, numeric},
		{small, numeric, numeric},
		{integer, numeric, numeric},
		{big, numeric, numeric},
		{float, numeric, numeric},
		{double, numeric, numeric},
		{numeric, small, numeric},
		{numeric, integer, numeric},
		{numeric, big, numeric},
		{numeric, float, numeric},
		{numeric, double, numeric},
		{change.UUID, text, text},
		{text, change.UUID, text},
		{change.Boolean, small, text},
		{change.Timestamp, change.TimestampTZ, text},
		{change.Date, change.Timestamp, text},
		{change.JSONB, text, text},
		{change.Bytea, text, text},
		{change.Interval, big, text},
	} {
		t.Run(fmt.Sprintf("%s+%s", c.stored, c.arriving), func(t *testing.T) {
			if got := datatype.Widen(c.stored, c.arriving); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestWidenSettles widens a column repeatedly: a wider type is not widened by a type that it holds
// already, and the order of two types does not matter.
func TestWidenSettles(t *testing.T) {
	for _, a := range allTypes() {
		if got := datatype.Widen(a, a); got != a {
			t.Errorf("%s with itself becomes %s", a, got)
		}
		for _, b := range allTypes() {
			wide := datatype.Widen(a, b)
			if back := datatype.Widen(b, a); back != wide {
				t.Errorf("%s+%s is %s, %s+%s is %s", a, b, wide, b, a, back)
			}
			if datatype.Widen(wide, a) != wide || datatype.Widen(wide, b) != wide {
				t.Errorf("%s+%s is %s, which does not hold both", a, b, wide)
			}
		}
	}
}
