package change

import (
	"strings"
	"unicode"
)

// PlainText makes a text with names and values of a source safe to print in one line: each
// control character, and each character that ends a line or changes the direction of the
// text around it, becomes a space. A terminal would execute the former and reorder the
// text by the latter.
func PlainText(s string) string {
	if !strings.ContainsFunc(s, IsUnsafeRune) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if IsUnsafeRune(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}

// IsUnsafeRune reports whether a character must not reach a terminal or a page: control
// characters, marks, embeddings, overrides and isolates of the bidirectional algorithm, and
// the separators of lines and paragraphs.
// https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
func IsUnsafeRune(r rune) bool {
	switch {
	case unicode.IsControl(r),
		r == '\u061C', r == '\u200E', r == '\u200F',
		'\u202A' <= r && r <= '\u202E', '\u2066' <= r && r <= '\u2069',
		r == '\u2028', r == '\u2029':
		return true
	}
	return false
}
