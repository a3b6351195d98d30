package scenario

import (
	"fmt"
	"strings"
)

// literal is a value as written: a word, or a quoted string.
type literal struct {
	text   string
	quoted bool
}

// line is the unread rest of a line of an events section.
type line struct {
	rest string
}

// skip removes blanks.
func (l *line) skip() { l.rest = strings.TrimLeft(l.rest, " \t") }

// empty reports whether nothing is left.
func (l *line) empty() bool {
	l.skip()
	return l.rest == ""
}

// word takes the characters up to the next blank.
func (l *line) word() string {
	l.skip()
	end := strings.IndexAny(l.rest, " \t")
	if end < 0 {
		end = len(l.rest)
	}
	word := l.rest[:end]
	l.rest = l.rest[end:]
	return word
}

// accept takes text if it comes next.
func (l *line) accept(text string) bool {
	l.skip()
	rest, ok := strings.CutPrefix(l.rest, text)
	if ok {
		l.rest = rest
	}
	return ok
}

// literal takes a quoted string, in which ” is a quote, or the characters up
// to one of the delimiters.
func (l *line) literal(delimiters string) (literal, error) {
	if !l.accept("'") {
		end := strings.IndexAny(l.rest, delimiters)
		if end < 0 {
			end = len(l.rest)
		}
		text := strings.TrimSpace(l.rest[:end])
		l.rest = l.rest[end:]
		return literal{text: text}, nil
	}
	var text strings.Builder
	for {
		end := strings.IndexByte(l.rest, '\'')
		if end < 0 {
			return literal{}, fmt.Errorf("a quote is not closed")
		}
		text.WriteString(l.rest[:end])
		l.rest = l.rest[end+1:]
		if !strings.HasPrefix(l.rest, "'") {
			return literal{text: text.String(), quoted: true}, nil
		}
		text.WriteByte('\'')
		l.rest = l.rest[1:]
	}
}

// list takes "(a, 'b', …)".
func (l *line) list() ([]literal, error) {
	if !l.accept("(") {
		return nil, fmt.Errorf("expected ( before %q", l.rest)
	}
	var values []literal
	for {
		value, err := l.literal(",)")
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if l.accept(")") {
			return values, nil
		}
		if !l.accept(",") {
			return nil, fmt.Errorf("expected , or ) before %q", l.rest)
		}
	}
}
