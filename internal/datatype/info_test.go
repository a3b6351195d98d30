package datatype

import (
	"reflect"
	"testing"

	"metadb/internal/change"
)

// TestFactsAreComplete ranges over all types and all fields of Info: a fact that is missing would be
// taken for a default that nobody chose. Only types with equal values of different bytes state how
// those become one.
func TestFactsAreComplete(t *testing.T) {
	for typ := change.Type(1); int(typ) < change.TypeCount; typ++ {
		if typ.String() == change.Type(0).String() || typ.String() == "" {
			t.Errorf("type %d has no name", typ)
		}
		info := InfoOf(typ)
		for _, fact := range missingFacts(info) {
			t.Errorf("%s: %s is missing", typ, fact)
		}
		if info.Length > 0 && info.Storage == Compressed {
			t.Errorf("%s: a value of %d bytes is not compressed", typ, info.Length)
		}
		if info.HasSeveralForms() && info.Equality == EqualBytes {
			t.Errorf("%s: equal values have the same bytes, and can't have different texts", typ)
		}
	}
	if got := missingFacts(InfoOf(0)); len(got) == 0 {
		t.Error("no type has facts")
	}
	if info := InfoOf(change.Type(change.TypeCount)); info.OID != 0 {
		t.Errorf("a type that does not exist has the OID %d", info.OID)
	}
}

// missingFacts returns the names of the fields of an Info that have no value.
func missingFacts(info Info) (missing []string) {
	value := reflect.ValueOf(info)
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		stated := !value.Field(i).IsZero()
		if name == "appendCanonical" {
			stated = stated == (info.Equality == EqualValues)
		}
		if !stated {
			missing = append(missing, name)
		}
	}
	return missing
}
