package connectjson

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzSplit compares the slow way of taking a value apart with encoding/json.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		`{"schema":{"type":"struct"},"payload":{"a":1}}`, `{"payload":[1],"schema":null}`, ` { "schema" : 1 , "payload" : "x" , "more" : [{}] } `,
		`{"schema":1,"schema":2}`, `{"sch\u0065ma":1,"payload":null}`, `{}`, `[]`, `{"payload":1}`, `{"schema":1,"payload":2}x`, `{"Schema":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		p, err := splitValue(value)
		if err != nil {
			return
		}
		if !utf8.Valid(value) {
			t.Fatal("took what is not UTF-8")
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(value, &want); err != nil {
			t.Fatalf("took what is no JSON object: %v", err)
		}
		if !bytes.Equal(p.schema, want["schema"]) || !bytes.Equal(p.payload, want["payload"]) {
			t.Fatalf("got %q and %q, want %q and %q", p.schema, p.payload, want["schema"], want["payload"])
		}
		if p.head == 0 {
			return
		}
		// A value with this head that ends after the payload is read without
		// being split.
		s := scanner{data: value, pos: p.head, depth: 1}
		raw, err := s.skipValue()
		if err != nil || !bytes.Equal(raw, p.payload) || s.expect('}') != nil || s.expectEnd() != nil {
			t.Fatalf("head %q, payload %q: %v", value[:p.head], raw, err)
		}
	})
}
