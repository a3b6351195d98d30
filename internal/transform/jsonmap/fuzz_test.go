package jsonmap

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
)

// FuzzDocument compares the rows of a document with those of the same document as jsonb would print
// it: members in another order, the last of several with one name, other escapes.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":{"c":"x","d":[1,null,{"e":"2024-01-01T10:00Z"}]},"d":[[1],"y",true]}`,
		`{"":1,"aB":2,"a_b":3,"a_b":4,"b":{"b":{}},"\u0000":"\ud800"}`, `[`, `{"a`, `{"b":[{"c":[`, `{"a":-0.0,"b":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	set := Compile(mappings("$ > t", "$.a > a", "$.b > b", "$.b.c > c", "$.b.d > d", "$.d > e"))
	f.Fuzz(func(t *testing.T, document []byte) {
		if !json.Valid(document) {
			NewLayout(set, func(string) []change.Column { return nil }).AddDocument(NewRows(set), [][]byte{document})
			return
		}
		got := render(t, set, string(document))
		decoder := json.NewDecoder(bytes.NewReader(document))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return
		}
		printed, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if want := render(t, set, string(printed)); sorted(got) != sorted(want) && !bytes.Contains(document, []byte(`\u`)) && bytes.Equal(bytes.ToValidUTF8(document, nil), document) {
			t.Errorf("%q: got\n%s\nas %s\n%s", document, got, printed, want)
		}
	})
}

// sorted returns the lines in an order that does not depend on the document's.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
