package lang

import "strings"

// skipSpace skips white space and comments. It returns false and a broken token if a comment is
// unterminated.
func (l *lexer) skipSpace() (token, bool) {
	for {
		l.skipWhile(isSpace)
		rest := l.query[l.at:]
		switch {
		case strings.HasPrefix(rest, "--"):
			l.skipWhile(func(c byte) bool { return c != '\n' && c != '\r' })
		case strings.HasPrefix(rest, "/*"):
			start := l.at
			if !l.skipComment() {
				return l.brokenToken(start, "unterminated /* comment"), false
			}
		default:
			return token{}, true
		}
	}
}

// skipComment skips a comment in slashes and stars, in which others may be nested. It returns false if
// the comment is unterminated.
func (l *lexer) skipComment() bool {
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

// lexDelimited reads an identifier in quotes, at the first of which the lexer stands. A doubled quote
// is a quote.
func (l *lexer) lexDelimited(start int, k tokenKind) token {
	if !l.skipQuotedPart(false) {
		return l.brokenToken(start, unterminatedText('"'))
	}
	t := l.tokenFrom(k, start)
	t.quote = 1
	return t
}

// lexConstant reads a string constant, at the first quote of which the lexer stands. It may continue
// behind a line break, in another pair of quotes. With backslashes as escapes, one also takes the
// next character. Commands accept neither.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
func (l *lexer) lexConstant(start int, k tokenKind, backslashes bool) token {
	for {
		from := l.at
		if !l.skipQuotedPart(backslashes) {
			return l.brokenToken(start, unterminatedText('\''))
		}
		if backslashes && strings.Contains(l.query[from:l.at], `\`) {
			k = tokenEscaped
		}
		next, ok := l.findContinuation()
		if !ok {
			break
		}
		l.at, k = next, tokenEscaped
	}
	t := l.tokenFrom(k, start)
	t.quote = 1
	return t
}

// skipQuotedPart reads the text between two quotes, at the first of which the lexer stands. It returns false
// if the second one is missing.
func (l *lexer) skipQuotedPart(backslashes bool) bool {
	quote := l.query[l.at]
	for l.at++; l.at < len(l.query); l.at++ {
		switch c := l.query[l.at]; {
		case backslashes && (c == '\\' || l.dialect.isLeadByte(c)):
			l.at++
		case c != quote:
		case l.at+1 < len(l.query) && l.query[l.at+1] == quote:
			l.at++
		default:
			l.at++
			return true
		}
	}
	l.at = len(l.query)
	return false
}

// findContinuation returns the offset at which a string constant continues that has just ended: a quote
// behind white space and comments, with a line break among them.
func (l *lexer) findContinuation() (at int, ok bool) {
	lineBreak := false
	for at = l.at; at < len(l.query); at++ {
		switch c := l.query[at]; {
		case isSpace(c):
			lineBreak = lineBreak || c == '\n' || c == '\r'
		case c == '\'':
			return at, lineBreak
		case strings.HasPrefix(l.query[at:], "--"):
			length := strings.IndexAny(l.query[at:], "\n\r")
			if length < 0 {
				return 0, false
			}
			at += length - 1
		default:
			return 0, false
		}
	}
	return 0, false
}

// lexDollar reads a dollar-quoted constant, a parameter, or a lone dollar sign.
func (l *lexer) lexDollar(start int) token {
	delimiter, ok := dollarDelimiter(l.query[start:])
	if !ok {
		l.at++
		l.skipWhile(isDigit)
		return l.tokenFrom(tokenSymbol, start)
	}
	body := start + len(delimiter)
	length := strings.Index(l.query[body:], delimiter)
	if length < 0 {
		return l.brokenToken(start, "unterminated dollar-quoted string")
	}
	l.at = body + length + len(delimiter)
	t := l.tokenFrom(tokenString, start)
	t.quote = len(delimiter)
	return t
}

// dollarDelimiter returns the $tag$ at the beginning of s.
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

func unterminatedText(quote byte) string {
	if quote == '"' {
		return "unterminated quoted identifier"
	}
	return "unterminated quoted string"
}
