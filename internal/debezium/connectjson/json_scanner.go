package connectjson

import (
	"fmt"
)

// maxDepth limits how deeply a JSON value may be nested. It is the limit of
// encoding/json, and more than PostgreSQL takes in a jsonb.
const maxDepth = 10000

// scanner reads JSON text from left to right. It checks everything that it
// passes and allocates nothing. The zero scanner with data is ready.
type scanner struct {
	data  []byte
	pos   int
	depth int
	// unusual is set when a number was passed that has an exponent or very
	// many digits: a numeric may not hold it.
	unusual bool
}

// syntaxError returns an error that names the place.
func (s *scanner) syntaxError(what string) error {
	return fmt.Errorf("invalid JSON at byte %d: %s", s.pos, what)
}

// peek passes white space and returns the byte after it, 0 at the end.
func (s *scanner) peek() byte {
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

// expect passes white space and the byte c.
func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.syntaxError("expected " + string(c))
	}
	s.pos++
	return nil
}

// skipLiteral passes the literal word.
func (s *scanner) skipLiteral(word string) error {
	end := s.pos + len(word)
	if end > len(s.data) || string(s.data[s.pos:end]) != word {
		return s.syntaxError("expected " + word)
	}
	s.pos = end
	return nil
}

// skipNull passes null if it comes next, and reports whether it did.
func (s *scanner) skipNull() (bool, error) {
	if s.peek() != 'n' {
		return false, nil
	}
	return true, s.skipLiteral("null")
}

// expectEnd reports an error unless nothing but white space is left.
func (s *scanner) expectEnd() error {
	if s.peek() != 0 || s.pos < len(s.data) {
		return s.syntaxError("unexpected text after the value")
	}
	return nil
}

// scanName passes a member's name and the colon after it, and returns the name
// with its escapes resolved.
func (s *scanner) scanName() ([]byte, error) {
	raw, escaped, err := s.scanRawName()
	if err != nil || !escaped {
		return raw, err
	}
	name, whole := unescape(nil, raw)
	if !whole {
		return nil, s.syntaxError("half of a surrogate pair in a member's name")
	}
	return name, nil
}

// scanRawName passes a member's name and the colon after it, and returns the name
// as it is written.
func (s *scanner) scanRawName() (raw []byte, escaped bool, err error) {
	if s.peek() != '"' {
		return nil, false, s.syntaxError("expected a member's name")
	}
	if raw, escaped, err = s.scanString(); err != nil {
		return nil, false, err
	}
	if s.pos < len(s.data) && s.data[s.pos] == ':' {
		s.pos++
		return raw, escaped, nil
	}
	return raw, escaped, s.expect(':')
}

// nextElement passes the comma before another element and returns true, or passes
// end and returns false.
func (s *scanner) nextElement(end byte) (bool, error) {
	switch s.peek() {
	case ',':
		s.pos++
		return true, nil
	case end:
		s.pos++
		s.depth--
		return false, nil
	}
	return false, s.syntaxError("expected , or " + string(end))
}

// openContainer passes the beginning of an object or array that ends with end and
// reports whether it has elements.
func (s *scanner) openContainer(begin, end byte) (bool, error) {
	if err := s.expect(begin); err != nil {
		return false, err
	}
	if s.depth++; s.depth > maxDepth {
		return false, s.syntaxError("nested too deeply")
	}
	if s.peek() == end {
		s.pos++
		s.depth--
		return false, nil
	}
	return true, nil
}

// skipValue passes one value of any kind and returns its text.
func (s *scanner) skipValue() ([]byte, error) {
	kind := s.peek()
	start := s.pos
	var err error
	switch kind {
	case '"':
		_, _, err = s.scanString()
	case '{':
		err = s.skipObject()
	case '[':
		err = s.skipArray()
	case 't':
		err = s.skipLiteral("true")
	case 'f':
		err = s.skipLiteral("false")
	case 'n':
		err = s.skipLiteral("null")
	default:
		_, err = s.scanNumber()
	}
	if err != nil {
		return nil, err
	}
	return s.data[start:s.pos], nil
}

// skipObject passes an object.
func (s *scanner) skipObject() error {
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		if _, _, err = s.scanRawName(); err != nil {
			return err
		}
		if _, err = s.skipValue(); err != nil {
			return err
		}
		more, err = s.nextElement('}')
	}
	return err
}

// skipArray passes an array.
func (s *scanner) skipArray() error {
	more, err := s.openContainer('[', ']')
	for more && err == nil {
		if _, err = s.skipValue(); err != nil {
			return err
		}
		more, err = s.nextElement(']')
	}
	return err
}

// scanNumber passes a number and returns its text.
// https://www.rfc-editor.org/rfc/rfc8259#section-6
func (s *scanner) scanNumber() ([]byte, error) {
	start := s.pos
	if s.pos < len(s.data) && s.data[s.pos] == '-' {
		s.pos++
	}
	whole := s.pos
	if s.skipDigits() == 0 {
		return nil, s.syntaxError("expected a value")
	}
	if s.data[whole] == '0' && s.pos > whole+1 {
		return nil, s.syntaxError("a number begins with 0")
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if s.skipDigits() == 0 {
			return nil, s.syntaxError("expected a digit")
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.unusual = true
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.skipDigits() == 0 {
			return nil, s.syntaxError("expected a digit")
		}
	}
	if s.pos-start > manyDigits {
		s.unusual = true
	}
	return s.data[start:s.pos], nil
}

// manyDigits is fewer than the digits of any number that a numeric can't hold.
const manyDigits = 1000

// skipDigits passes decimal digits and returns their count.
func (s *scanner) skipDigits() int {
	at := s.pos
	for at < len(s.data) && s.data[at]-'0' <= 9 {
		at++
	}
	count := at - s.pos
	s.pos = at
	return count
}
