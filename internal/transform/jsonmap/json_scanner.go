package jsonmap

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScanner reads a valid JSON document. In an invalid one its results are arbitrary, but it stays
// within the text and terminates.
type jsonScanner struct {
	data []byte
	pos  int
}

// peekByte skips white space and returns the next byte, 0 at the end.
func (s *jsonScanner) peekByte() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// passByte skips white space and the byte c, if that is the next byte.
func (s *jsonScanner) passByte(c byte) bool {
	if s.peekByte() != c {
		return false
	}
	s.pos++
	return true
}

// passString skips a string, at the quote of which the scanner stands, and returns the text between the
// quotes.
func (s *jsonScanner) passString() (raw []byte, escaped bool) {
	start := s.pos + 1
	at := start
	for {
		n := bytes.IndexByte(s.data[min(at, len(s.data)):], '"')
		if n < 0 {
			s.pos = len(s.data)
			return nil, false
		}
		inside := s.data[at : at+n]
		slash := bytes.IndexByte(inside, '\\')
		if slash < 0 {
			s.pos = at + n + 1
			return s.data[start : at+n], escaped
		}
		escaped = true
		at += slash + 2
	}
}

// passValue skips one value, at the first byte of which the scanner stands, and returns its text. It
// does not check the contents of objects and arrays.
func (s *jsonScanner) passValue() []byte {
	start := s.pos
	if start >= len(s.data) {
		return nil
	}
	switch s.data[start] {
	case '"':
		s.passString()
	case '{', '[':
		s.passNested()
	default:
		for s.pos < len(s.data) && !isValueEnd(s.data[s.pos]) {
			s.pos++
		}
		if s.pos == start {
			s.pos++ // no value at all: go on behind it
		}
	}
	return s.data[start:s.pos]
}

// isValueEnd reports whether a byte ends a number or a word.
func isValueEnd(c byte) bool {
	switch c {
	case ',', ']', '}', ':', '"', '[', '{', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

// passNested skips an object or array.
func (s *jsonScanner) passNested() {
	depth := 0
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '"':
			s.passString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				s.pos++
				return
			}
		}
		s.pos++
	}
}

// appendUnescaped appends the text between the quotes of a JSON string. An invalid character becomes
// U+FFFD, and so does U+0000, which PostgreSQL can't store.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' || i+1 == len(raw) {
			next := bytes.IndexByte(raw[i+1:], '\\')
			end := len(raw)
			if next >= 0 {
				end = i + 1 + next
			}
			dst = append(dst, raw[i:end]...)
			i = end
			continue
		}
		if raw[i+1] != 'u' {
			dst = append(dst, escapedByte(raw[i+1]))
			i += 2
			continue
		}
		r, size := decodeEscape(raw[i:])
		if r == 0 {
			r = utf8.RuneError
		}
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

// unicodeEscape is the length of \u0000.
const unicodeEscape = 6

// decodeEscape reads the one or two \u escapes at the beginning of raw that make
// one character.
func decodeEscape(raw []byte) (r rune, size int) {
	r, ok := parseCodeUnit(raw)
	if !ok {
		return utf8.RuneError, min(2, len(raw))
	}
	if !utf16.IsSurrogate(r) {
		return r, unicodeEscape
	}
	if low, ok := parseCodeUnit(raw[unicodeEscape:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 2 * unicodeEscape
		}
	}
	return utf8.RuneError, unicodeEscape
}

// parseCodeUnit reads \u0000 at the beginning of raw.
func parseCodeUnit(raw []byte) (rune, bool) {
	if len(raw) < unicodeEscape || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	var value rune
	for _, c := range raw[2:unicodeEscape] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		value = value<<4 | rune(c)
	}
	return value, true
}

// escapedByte returns the character that a backslash and c stand for.
func escapedByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
