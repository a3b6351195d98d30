package adminlang

import (
	"strings"
	"unicode/utf8"
)

// lexer reads a query string by PostgreSQL's lexical rules.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html
type lexer struct {
	query   string
	dialect Dialect
	// at is the byte offset of the next token, or of white space and comments before it.
	at int
	// counted is a number of bytes at the beginning of the query, chars the number of characters in
	// them.
	counted, chars int
}

// next returns the next token and moves behind it. At the end of the input it returns an end token
// without characters, however often it is called.
func (l *lexer) next() token {
	if t, ok := l.space(); !ok {
		return t
	}
	start := l.at
	if start == len(l.query) {
		return l.token(end, start)
	}
	c := l.query[start]
	switch {
	case c == ';':
		l.at++
		return l.token(end, start)
	case c == '\'':
		return l.constant(start, text, l.dialect.Backslashes)
	case c == '"':
		return l.delimited(start, quoted)
	case c == '$':
		return l.dollar(start)
	case isDigit(c):
		l.skip(func(c byte) bool { return isDigit(c) || c == '.' })
		return l.token(number, start)
	case isWordStart(c):
		return l.word(start)
	}
	l.at++
	return l.token(symbol, start)
}

// word reads an identifier, or a string constant with a prefix of letters.
func (l *lexer) word(start int) token {
	switch rest := l.query[start:]; {
	case hasPrefixFold(rest, "e'"):
		l.at++
		return l.constant(start, escaped, true)
	case hasPrefixFold(rest, "n'"):
		l.at++
		return l.constant(start, escaped, l.dialect.Backslashes)
	case hasPrefixFold(rest, "b'"), hasPrefixFold(rest, "x'"):
		l.at++
		return l.constant(start, escaped, false)
	case hasPrefixFold(rest, "u&'"):
		l.at += 2
		return l.constant(start, escaped, false)
	case hasPrefixFold(rest, `u&"`):
		l.at += 2
		return l.delimited(start, escaped)
	}
	l.skip(isWordPart)
	return l.token(word, start)
}

// token returns the token from start to the lexer's position.
func (l *lexer) token(k kind, start int) token {
	return token{kind: k, start: start, end: l.at, at: l.position(start)}
}

// broken returns the rest of the input as an unterminated token.
func (l *lexer) broken(start int, fault string) token {
	l.at = len(l.query)
	t := l.token(broken, start)
	t.fault = fault
	return t
}

// position returns the position of a byte offset in characters, counted from 1. Callers pass
// offsets in ascending order.
func (l *lexer) position(offset int) int {
	l.chars += utf8.RuneCountInString(l.query[l.counted:offset])
	l.counted = offset
	return l.chars + 1
}

// skip moves over all characters of a kind.
func (l *lexer) skip(of func(byte) bool) {
	for l.at < len(l.query) && of(l.query[l.at]) {
		l.at++
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }
