package lang

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

// nextToken returns the next token and moves behind it. At the end of the input it returns an end token
// without characters, however often it is called.
func (l *lexer) nextToken() token {
	if t, ok := l.skipSpace(); !ok {
		return t
	}
	start := l.at
	if start == len(l.query) {
		return l.tokenFrom(tokenEnd, start)
	}
	c := l.query[start]
	switch {
	case c == ';':
		l.at++
		return l.tokenFrom(tokenEnd, start)
	case c == '\'':
		return l.lexConstant(start, tokenString, l.dialect.Backslashes)
	case c == '"':
		return l.lexDelimited(start, tokenQuoted)
	case c == '$':
		return l.lexDollar(start)
	case isDigit(c):
		l.skipWhile(func(c byte) bool { return isDigit(c) || c == '.' })
		return l.tokenFrom(tokenNumber, start)
	case isWordStart(c):
		return l.lexWord(start)
	}
	l.at++
	return l.tokenFrom(tokenSymbol, start)
}

// lexWord reads an identifier, or a string constant with a prefix of letters.
func (l *lexer) lexWord(start int) token {
	switch rest := l.query[start:]; {
	case hasPrefixFold(rest, "e'"):
		l.at++
		return l.lexConstant(start, tokenEscaped, true)
	case hasPrefixFold(rest, "n'"):
		l.at++
		return l.lexConstant(start, tokenEscaped, l.dialect.Backslashes)
	case hasPrefixFold(rest, "b'"), hasPrefixFold(rest, "x'"):
		l.at++
		return l.lexConstant(start, tokenEscaped, false)
	case hasPrefixFold(rest, "u&'"):
		l.at += 2
		return l.lexConstant(start, tokenEscaped, false)
	case hasPrefixFold(rest, `u&"`):
		l.at += 2
		return l.lexDelimited(start, tokenEscaped)
	}
	l.skipWhile(isWordPart)
	return l.tokenFrom(tokenWord, start)
}

// tokenFrom returns the token from start to the lexer's position.
func (l *lexer) tokenFrom(k tokenKind, start int) token {
	return token{kind: k, start: start, end: l.at, at: l.charPosition(start)}
}

// brokenToken returns the rest of the input as an unterminated token.
func (l *lexer) brokenToken(start int, fault string) token {
	l.at = len(l.query)
	t := l.tokenFrom(tokenBroken, start)
	t.fault = fault
	return t
}

// charPosition returns the position of a byte offset in characters, counted from 1. Callers pass
// offsets in ascending order.
func (l *lexer) charPosition(offset int) int {
	l.chars += utf8.RuneCountInString(l.query[l.counted:offset])
	l.counted = offset
	return l.chars + 1
}

// skipWhile moves over all characters of a kind.
func (l *lexer) skipWhile(of func(byte) bool) {
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
