package scenario

import (
	"fmt"
	"strings"
)

// literalValue is a value as written: a word, or a quoted string.
type literalValue struct {
	text   string
	quoted bool
}

// line is the unread rest of a line of an events section.
type line struct {
	rest string
}

// skipBlanks removes blanks.
func (l *line) skipBlanks() { l.rest = strings.TrimLeft(l.rest, " \t") }

// isEmpty reports whether nothing is left.
func (l *line) isEmpty() bool {
	l.skipBlanks()
	return l.rest == ""
}

// takeWord takes the characters up to the next blank.
func (l *line) takeWord() string {
	l.skipBlanks()
	end := strings.IndexAny(l.rest, " \t")
	if end < 0 {
		end = len(l.rest)
	}
	word := l.rest[:end]
	l.rest = l.rest[end:]
	return word
}

// acceptText takes text if it comes next.
func (l *line) acceptText(text string) bool {
	l.skipBlanks()
	rest, ok := strings.CutPrefix(l.rest, text)
	if ok {
		l.rest = rest
	}
	return ok
}

// takeLiteral takes a quoted string, in which ” is a quote, or the characters up
// to one of the delimiters.
func (l *line) takeLiteral(delimiters string) (literalValue, error) {
	if !l.acceptText("'") {
		end := strings.IndexAny(l.rest, delimiters)
		if end < 0 {
			end = len(l.rest)
		}
		text := strings.TrimSpace(l.rest[:end])
		l.rest = l.rest[end:]
		return literalValue{text: text}, nil
	}
	var text strings.Builder
	for {
		end := strings.IndexByte(l.rest, '\'')
		if end < 0 {
			return literalValue{}, fmt.Errorf("a quote is not closed")
		}
		text.WriteString(l.rest[:end])
		l.rest = l.rest[end+1:]
		if !strings.HasPrefix(l.rest, "'") {
			return literalValue{text: text.String(), quoted: true}, nil
		}
		text.WriteByte('\'')
		l.rest = l.rest[1:]
	}
}

// takeList takes "(a, 'b', …)".
func (l *line) takeList() ([]literalValue, error) {
	if !l.acceptText("(") {
		return nil, fmt.Errorf("expected ( before %q", l.rest)
	}
	var values []literalValue
	for {
		value, err := l.takeLiteral(",)")
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if l.acceptText(")") {
			return values, nil
		}
		if !l.acceptText(",") {
			return nil, fmt.Errorf("expected , or ) before %q", l.rest)
		}
	}
}
