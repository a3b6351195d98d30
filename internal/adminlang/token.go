package adminlang

import "strings"

// kind is the kind of a token.
type kind uint8

const (
	// end is the end of the statement: a semicolon, or the end of the input.
	end kind = iota
	// word is an unquoted identifier or keyword.
	word
	// quoted is a double-quoted identifier.
	quoted
	// text is a string constant: '…' or $tag$…$tag$.
	text
	// escaped is a string constant or identifier in a form that commands do not accept: E'…',
	// U&'…', B'…', X'…', N'…' and U&"…", a constant with backslashes as escapes, and a continued
	// one.
	escaped
	// number is an unsigned number.
	number
	// symbol is any other single character, and a parameter such as $1.
	symbol
	// broken is an unterminated token at the end of the input.
	broken
)

// token is a piece of a query string, with its offsets.
type token struct {
	kind kind
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

// raw returns the token's source text.
func (t token) raw(query string) string { return query[t.start:t.end] }

// value returns the token's value: an identifier folded or unquoted, a string without its quotes.
func (t token) value(query string) string {
	switch t.kind {
	case word:
		return fold(t.raw(query))
	case quoted:
		return strings.ReplaceAll(query[t.start+1:t.end-1], `""`, `"`)
	case text:
		inner := query[t.start+t.quote : t.end-t.quote]
		if query[t.start] == '$' {
			return inner
		}
		return strings.ReplaceAll(inner, "''", "'")
	}
	return t.raw(query)
}

// is reports whether the token is that keyword, given in lower case, or that
// symbol.
func (t token) is(query, what string) bool {
	switch t.kind {
	case word:
		return len(what) == t.end-t.start && fold(t.raw(query)) == what
	case symbol, end:
		return t.raw(query) == what
	}
	return false
}

// fold lowers ASCII letters only, as PostgreSQL folds identifiers in a multibyte encoding.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
func fold(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return foldFrom([]byte(s), i)
		}
	}
	return s
}

func foldFrom(b []byte, i int) string {
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
