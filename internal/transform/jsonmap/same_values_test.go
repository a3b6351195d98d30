package jsonmap

import (
	"testing"

	"metadb/internal/change"
)

// TestSame compares the rows of two documents, in a table with the columns of the first and, where
// it is given, of a third document.
func TestSame(t *testing.T) {
	for name, c := range map[string]struct {
		older, newer, other string
		want                bool
		// differ means that the documents are different jsonb values.
		differ bool
	}{
		"another value":             {older: `{"a": 1}`, newer: `{"a": 2}`, differ: true},
		"a number in another form":  {older: `{"a": 10}`, newer: `{"a": 1e1}`, want: true},
		"more digits":               {older: `{"a": 1.5}`, newer: `{"a": 1.50}`, differ: true},
		"a text in another form":    {older: `{"a": "é"}`, newer: `{"a": "\u00e9"}`, want: true},
		"a number that is a text":   {older: `{"a": 10}`, newer: `{"a": "10"}`, want: true, differ: true},
		"true that is a text":       {older: `{"a": true}`, newer: `{"a": "true"}`, want: true, differ: true},
		"a moment in another form":  {older: `{"a": "2024-01-01T10:00Z"}`, newer: `{"a": "2024-01-01T10:00:00Z"}`, want: true, differ: true},
		"the same in a text column": {older: `{"a": "2024-01-01T10:00Z"}`, newer: `{"a": "2024-01-01T10:00:00Z"}`, other: `{"a": "x"}`, differ: true},
		"a number in a text column": {older: `{"a": 10}`, newer: `{"a": 1e1}`, other: `{"a": "x"}`, want: true},
		"one value more":            {older: `{"a": 10}`, newer: `{"a": 1e1, "b": 1}`, differ: true},
		"one value less":            {older: `{"a": 10, "b": 1}`, newer: `{"a": 1e1}`, differ: true},
		"another field":             {older: `{"a": 10}`, newer: `{"b": 10}`, differ: true},
		"two of three":              {older: `{"a": 10, "b": 1, "c": 10}`, newer: `{"a": 1e1, "b": 1, "c": 2}`, differ: true},
		"more digits of the third":  {older: `{"a": 10, "b": 1, "c": 10}`, newer: `{"a": 1e1, "b": 1, "c": 100e-1}`, differ: true},
		"three in another order":    {older: `{"a": 10, "b": 1, "c": 10}`, newer: `{"c": 1e1, "b": 1, "a": 1e1}`, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			set := Compile(mappings("$ > t"))
			l := NewLayout(set, func(string) []change.Column { return nil })
			older, newer, kept := NewRows(set), NewRows(set), NewRows(set)
			if c.other != "" {
				l.NoteRow(newer, 0, addRow(l, newer, c.other))
			}
			o := addRow(l, older, c.older)
			l.NoteRow(older, 0, o)
			n := addRow(l, newer, c.newer)
			l.NoteRow(newer, 0, n)
			if got := (Change{Old: o, New: n}).Differs(older, newer); got != c.differ {
				t.Errorf("differ: got %t, want %t", got, c.differ)
			}
			row := kept.Keep(older, 0, o, newer, n)
			older.Reset()
			if got := l.Shapes(0, nil).IsSameStored(kept, row, newer, n, 0); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

// addRow adds a document that makes one row, and returns the row's number.
func addRow(l *Layout, rows *Rows, document string) int {
	from, _ := rows.RowRange(l.AddDocument(rows, [][]byte{[]byte(document)}), 0)
	return from
}
