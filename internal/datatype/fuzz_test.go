package datatype_test

import (
	"bytes"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// FuzzFormat prints any bytes as any type.
func FuzzFormat(f *testing.F) {
	f.Add(uint8(change.Numeric), []byte{0, 1, 0, 0, 0, 0, 0, 2, 0, 1})
	f.Add(uint8(change.JSONB), []byte("\x01{\"a\":[1,2.50]}"))
	f.Add(uint8(change.Interval), make([]byte, 16))
	f.Fuzz(func(_ *testing.T, kind uint8, value []byte) {
		typ := change.Type(kind%uint8(change.TypeCount-1)) + 1
		cell := change.Cell{Bytes: value}
		if _, err := datatype.Format(typ, cell); err == nil {
			datatype.AppendJSON(nil, typ, cell)
		}
		datatype.KeyBytes(nil, typ, cell)
	})
}

// FuzzNumericText reads any text as a number.
func FuzzNumericText(f *testing.F) {
	for _, seed := range []string{"1", "-0.50", "1e400", "1.5E-3", "", ".", "1e", "+-1", "00012.30"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := datatype.AppendNumericText(nil, text)
		if err != nil {
			return
		}
		printed, err := datatype.Format(change.Numeric, change.Cell{Bytes: value})
		if err != nil {
			t.Fatal(err)
		}
		again, err := datatype.AppendNumericText(nil, printed)
		if err != nil || !bytes.Equal(again, value) {
			t.Fatalf("%s is printed as %s, which is another number", text, printed)
		}
	})
}
