package datatype_test

import (
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// format is Format of a value that must be well-formed.
func format(t *testing.T, typ change.Type, value []byte) string {
	t.Helper()
	text, err := datatype.Format(typ, change.Cell{Bytes: value})
	if err != nil {
		t.Fatalf("format %s %x: %v", typ, value, err)
	}
	return text
}
