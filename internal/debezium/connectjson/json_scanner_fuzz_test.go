package connectjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzScanner compares the scanner with encoding/json: it must accept the same
// input, but for strings that are not UTF-8, and read the same texts.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+10,true,false,null,"x"]}`, ` [ ] `, `{}`, `"\u00e9\ud83d\ude00\n\/"`, `"\ud800"`, "\"\xff\"", `01`, `1.`, `-`, `1e`, `[1,]`, `{"a"}`,
		`nul`, `"abc`, `"abcdefgh\\ijklmnop"`, `"éééééééééééé"`, "\"\x1f\"", `"a\`, `"\u12`, `1 2`, `{"a":1,"a":2}`, strings.Repeat("[", 50), `"12345678\"12345678"`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{data: data}
		s.peek()
		raw, err := s.skipValue()
		if err == nil {
			err = s.expectEnd()
		}
		valid := json.Valid(data)
		if err == nil && !valid {
			t.Fatalf("took what is no JSON")
		}
		if err != nil && valid && utf8.Valid(data) {
			t.Fatalf("refused JSON: %v", err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(raw, bytes.Trim(data, " \t\r\n")) {
			t.Fatalf("read %q", raw)
		}
		if raw[0] == '"' {
			compareText(t, raw)
		}
	})
}

// compareText compares the text of a JSON string with that of encoding/json,
// which replaces halves of surrogate pairs.
func compareText(t *testing.T, quoted []byte) {
	t.Helper()
	var want string
	if err := json.Unmarshal(quoted, &want); err != nil {
		t.Fatal(err)
	}
	s := scanner{data: quoted}
	raw, escaped, err := s.scanString()
	if err != nil {
		t.Fatal(err)
	}
	got, whole := unescape(nil, raw)
	if !escaped && !bytes.Equal(got, raw) {
		t.Fatalf("no escape, but %q is not %q", got, raw)
	}
	if whole && string(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if !whole && !strings.ContainsRune(want, utf8.RuneError) {
		t.Fatalf("half of a pair was seen in %q", want)
	}
}
