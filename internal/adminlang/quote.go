package adminlang

import "strings"

// space skips white space and comments. It returns false and a broken token if
// the input ends within a comment.
func (l *lexer) space() (token, bool) {
	for {
		l.skip(isSpace)
		rest := l.query[l.at:]
		switch {
		case strings.HasPrefix(rest, "--"):
			l.skip(func(c byte) bool { return c != '\n' && c != '\r' })
		case strings.HasPrefix(rest, "/*"):
			start := l.at
			if !l.comment() {
				return l.broken(start, "unterminated /* comment"), false
			}
		default:
			return token{}, true
		}
	}
}

// comment skips a comment in slashes and stars, which may hold others. It
// returns false if the input ends before it does.
func (l *lexer) comment() bool {
	depth := 0
	for l.at < len(l.query) {
		switch rest := l.query[l.at:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.at += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.at += 2
		default:
			l.at++
		}
		if depth == 0 {
			return true
		}
	}
	return false
}

// delimited reads a constant or an identifier in quotes, the first of which
// the lexer stands on. A doubled quote is a quote.
func (l *lexer) delimited(start int, k kind) token {
	quote := l.query[l.at]
	for l.at++; l.at < len(l.query); l.at++ {
		if l.query[l.at] != quote {
			continue
		}
		l.at++
		if l.at == len(l.query) || l.query[l.at] != quote {
			t := l.token(k, start)
			t.quote = 1
			return t
		}
	}
	return l.broken(start, unterminated(quote))
}

// escape reads E'…', in which a backslash takes the next character along. The
// lexer stands on the quote.
func (l *lexer) escape(start int) token {
	for l.at++; l.at < len(l.query); l.at++ {
		switch l.query[l.at] {
		case '\\':
			l.at++
		case '\'':
			if l.at++; l.at == len(l.query) || l.query[l.at] != '\'' {
				return l.token(escaped, start)
			}
		}
	}
	return l.broken(start, unterminated('\''))
}

// dollar reads a dollar-quoted constant, a parameter, or a lone dollar sign.
func (l *lexer) dollar(start int) token {
	delimiter, ok := dollarDelimiter(l.query[start:])
	if !ok {
		l.at++
		l.skip(isDigit)
		return l.token(symbol, start)
	}
	body := start + len(delimiter)
	length := strings.Index(l.query[body:], delimiter)
	if length < 0 {
		return l.broken(start, "unterminated dollar-quoted string")
	}
	l.at = body + length + len(delimiter)
	t := l.token(text, start)
	t.quote = len(delimiter)
	return t
}

// dollarDelimiter returns the $tag$ that s begins with.
func dollarDelimiter(s string) (string, bool) {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '$':
			return s[:i+1], true
		case isWordStart(c), i > 1 && isDigit(c):
		default:
			return "", false
		}
	}
	return "", false
}

func unterminated(quote byte) string {
	if quote == '"' {
		return "unterminated quoted identifier"
	}
	return "unterminated quoted string"
}
