package connectjson

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Words of eight bytes that are used to look at eight bytes at once.
const (
	eachByte = 0x0101010101010101
	topBits  = 0x80 * eachByte
)

// scanString passes a string and returns the bytes between the quotes. They are valid
// UTF-8, and escapes among them are well-formed; [unescape] resolves them.
func (s *scanner) scanString() (raw []byte, escaped bool, err error) {
	data := s.data
	start := s.pos + 1 // after the opening quote
	ascii := true
	for at := start; ; {
		at += plainLength(data[at:])
		if at >= len(data) {
			s.pos = at
			return nil, false, s.syntaxError("the string does not end")
		}
		switch c := data[at]; {
		case c == '"':
			raw = data[start:at]
			if !ascii && !utf8.Valid(raw) {
				s.pos = start
				return nil, false, s.syntaxError("the string is not UTF-8")
			}
			s.pos = at + 1
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			length := escapeLength(data[at:])
			if length == 0 {
				s.pos = at
				return nil, false, s.syntaxError("the string has a malformed escape")
			}
			at += length
		case c < ' ':
			s.pos = at
			return nil, false, s.syntaxError("the string has a control character")
		default:
			// The bytes of other characters than ASCII are passed one
			// by one and checked at the end.
			ascii = false
			at++
		}
	}
}

// plainLength returns how many bytes at the beginning of data are ASCII
// characters that stand for themselves. It looks at eight at once.
// https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
func plainLength(data []byte) int {
	i := 0
	for ; i+8 <= len(data); i += 8 {
		word := binary.LittleEndian.Uint64(data[i:])
		quotes := word ^ ('"' * eachByte)
		slashes := word ^ ('\\' * eachByte)
		special := (quotes-eachByte)&^quotes | (slashes-eachByte)&^slashes | (word-' '*eachByte)&^word | word
		if special &= topBits; special != 0 {
			// A borrow can mark bytes above a special one, not below it.
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// escapeLength returns the length of the escape sequence at the beginning of
// data, 0 if it is malformed.
func escapeLength(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	switch data[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hexRune(data); ok {
			return unicodeEscape
		}
	}
	return 0
}

// unicodeEscape is the length of \u0000.
const unicodeEscape = 6

// hexRune reads \u0000 at the beginning of data.
func hexRune(data []byte) (rune, bool) {
	if len(data) < unicodeEscape || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	var value rune
	for _, c := range data[2:unicodeEscape] {
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

// unescape appends the text that raw, as [scanner.scanString] returned it, stands
// for. It reports false if raw has half of a surrogate pair, which is no
// character. It copies eight bytes at once: a text is never longer than what it is
// written as, so that there is room for them.
func unescape(dst, raw []byte) ([]byte, bool) {
	dst = slices.Grow(dst, len(raw))
	text := dst[len(dst) : len(dst)+len(raw)]
	n := 0
	for i := 0; i < len(raw); {
		if i+8 <= len(raw) {
			word := binary.LittleEndian.Uint64(raw[i:])
			binary.LittleEndian.PutUint64(text[n:], word)
			slashes := word ^ ('\\' * eachByte)
			// A borrow can mark bytes above a backslash, not below it.
			plain := bits.TrailingZeros64((slashes-eachByte)&^slashes&topBits) / 8
			i, n = i+plain, n+plain
			if plain == 8 {
				continue
			}
		} else if raw[i] != '\\' {
			text[n] = raw[i]
			i, n = i+1, n+1
			continue
		}
		if raw[i+1] != 'u' {
			text[n] = unescapeByte(raw[i+1])
			i, n = i+2, n+1
			continue
		}
		r, size := decodeSurrogates(raw[i:])
		if utf16.IsSurrogate(r) {
			return dst, false
		}
		n += utf8.EncodeRune(text[n:], r)
		i += size
	}
	return dst[:len(dst)+n], true
}

// decodeSurrogates reads the one or two \u escapes at the beginning of raw that make
// one character. It returns half of a pair as it is.
func decodeSurrogates(raw []byte) (r rune, size int) {
	r, _ = hexRune(raw)
	if !utf16.IsSurrogate(r) {
		return r, unicodeEscape
	}
	low, ok := hexRune(raw[unicodeEscape:])
	if !ok {
		return r, unicodeEscape
	}
	if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
		return pair, 2 * unicodeEscape
	}
	return r, unicodeEscape
}

// unescapeByte returns the character that a backslash and c stand for.
func unescapeByte(c byte) byte {
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
