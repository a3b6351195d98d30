package change

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestRow appends cells to a row and reads them back, one by one.
func TestRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Cell {
			switch state := rapid.SampledFrom([]CellState{Present, Null, Unavailable}).Draw(t, "state"); state {
			case Present:
				return Cell{Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}
			default:
				return Cell{State: state}
			}
		})).Draw(t, "cells")
		var row Row
		lacks := false
		for _, cell := range cells {
			row = AppendCell(row, cell)
			lacks = lacks || cell.State == Unavailable
		}
		read := 0
		for i, got := range row.Cells() {
			if want := cells[i]; got.State != want.State || !bytes.Equal(got.Bytes, want.Bytes) {
				t.Fatalf("cell %d: got %v, want %v", i, got, want)
			}
			if at := row.Cell(i); at.State != got.State || !bytes.Equal(at.Bytes, got.Bytes) {
				t.Fatalf("cell %d by index: got %v, want %v", i, at, got)
			}
			read++
		}
		if read != len(cells) || row.HasUnavailable() != lacks {
			t.Fatalf("read %d cells of %d, unavailable %t", read, len(cells), row.HasUnavailable())
		}
		if beyond := row.Cell(len(cells)); beyond.State != Null {
			t.Fatalf("a cell beyond the row is %v, want NULL", beyond)
		}
	})
}

// TestBeginEnd: a cell may be filled piece by piece.
func TestBeginEnd(t *testing.T) {
	row, mark := BeginCell(AppendNull(nil))
	row = append(row, "ab"...)
	row = EndCell(append(row, 'c'), mark)
	if got := row.Cell(1); string(got.Bytes) != "abc" {
		t.Errorf("got %q", got.Bytes)
	}
}

func TestRecordValue(t *testing.T) {
	for name, test := range map[string]struct {
		record Record
		want   []byte
	}{
		"tombstone": {Record{}, nil},
		"halves":    {Record{Head: []byte(`{"schema":`), Tail: []byte(`{}}`)}, []byte(`{"schema":{}}`)},
		"empty":     {Record{Tail: []byte{}}, []byte{}},
	} {
		if got := test.record.Value(); !bytes.Equal(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
