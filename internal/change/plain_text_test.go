package change

import "testing"

func TestPlainText(t *testing.T) {
	for text, want := range map[string]string{
		"table library.patron waits":            "table library.patron waits",
		"Bücher, 図書館, كتاب":                     "Bücher, 図書館, كتاب",
		"x\x1b]0;pwned\a\x1b[31m":               "x ]0;pwned  [31m",
		"t\nFORGED LINE: all is well\n":         "t FORGED LINE: all is well",
		"a\u0085b\u009bc":                       "a b c",
		"a\u202eb\u202ac\u2066d\u2069e":         "a b c d e",
		"a\u2028b\u2029c\u200fd\u200ee\u061cf":  "a b c d e f",
		"zero width joiner \u200d is no danger": "zero width joiner \u200d is no danger",
	} {
		if got := PlainText(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
