package datatype_test

import (
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

func TestOID(t *testing.T) {
	seen := map[uint32]change.Type{}
	for _, typ := range allTypes() {
		oid := datatype.InfoOf(typ).OID
		if oid == 0 {
			t.Errorf("%s has none", typ)
		}
		if other, ok := seen[oid]; ok {
			t.Errorf("%s and %s share %d", typ, other, oid)
		}
		seen[oid] = typ
	}
	if got := datatype.InfoOf(0).OID; got != 0 {
		t.Errorf("no type has %d", got)
	}
}

func TestCastSQL(t *testing.T) {
	for _, c := range []struct {
		from, to change.Type
		want     string
	}{
		{change.Integer, change.Integer, `"a"`},
		{change.SmallInt, change.BigInt, `("a")::bigint`},
		{change.Real, change.Double, `("a")::double precision`},
		{change.Real, change.Numeric, `("a")::text::numeric`},
		{change.Double, change.Numeric, `("a")::text::numeric`},
		{change.BigInt, change.Numeric, `("a")::numeric`},
		{change.TimestampTZ, change.Text, `("a")::text`},
		{change.Text, change.UUID, `("a")::uuid`},
	} {
		if got := datatype.CastSQL(`"a"`, c.from, c.to); got != c.want {
			t.Errorf("%s to %s: got %s, want %s", c.from, c.to, got, c.want)
		}
	}
}
