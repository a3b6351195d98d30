package lang

import "strings"

// tokenKind is the kind of a token.
type tokenKind uint8

const (
	// tokenEnd is the end of the statement: a semicolon, or the end of the input.
	tokenEnd tokenKind = iota
	// tokenWord is an unquoted identifier or keyword.
	tokenWord
	// tokenQuoted is a double-quoted identifier.
	tokenQuoted
	// tokenString is a string constant: '…' or $tag$…$tag$.
	tokenString
	// tokenEscaped is a string constant or identifier in a form that commands do not accept: E'…',
	// U&'…', B'…', X'…', N'…' and U&"…", a constant with backslashes as escapes, and a continued
	// one.
	tokenEscaped
	// tokenNumber is an unsigned number.
	tokenNumber
	// tokenSymbol is any other single character, and a parameter such as $1.
	tokenSymbol
	// tokenBroken is an unterminated token at the end of the input.
	tokenBroken
)

// token is a piece of a query string, with its offsets.
type token struct {
	kind tokenKind
	// start and end are byte offsets in the query string.
	start, end int
	// at is the position of the first character, in characters counted from 1, as PostgreSQL
	// reports positions.
	at int
	// quote is the length of the delimiters of a quoted or text token, or of
	// the dollar quote, on each side.
	quote int
	// fault describes a broken token: "unterminated quoted string".
	fault string
}

// source returns the token's source text.
func (t token) source(query string) string { return query[t.start:t.end] }

// textValue returns the token's value: an identifier folded or unquoted, a string without its quotes.
func (t token) textValue(query string) string {
	switch t.kind {
	case tokenWord:
		return foldASCII(t.source(query))
	case tokenQuoted:
		return strings.ReplaceAll(query[t.start+1:t.end-1], `""`, `"`)
	case tokenString:
		inner := query[t.start+t.quote : t.end-t.quote]
		if query[t.start] == '$' {
			return inner
		}
		return strings.ReplaceAll(inner, "''", "'")
	}
	return t.source(query)
}

// isWord reports whether the token is that keyword, given in lower case, or that
// symbol.
func (t token) isWord(query, what string) bool {
	switch t.kind {
	case tokenWord:
		return len(what) == t.end-t.start && foldASCII(t.source(query)) == what
	case tokenSymbol, tokenEnd:
		return t.source(query) == what
	}
	return false
}

// foldASCII lowers ASCII letters only, as PostgreSQL folds identifiers in a multibyte encoding.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
func foldASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return foldASCIIFrom([]byte(s), i)
		}
	}
	return s
}

func foldASCIIFrom(b []byte, i int) string {
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
