package lang

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"metadb/internal/target/pgcode"
)

// Statement is one statement of a query string.
type Statement struct {
	// Start and End are byte offsets in the query string: of the statement's first character, and
	// of the end of its semicolon, if it has one.
	Start, End int
	// Command is the parsed command, nil for SQL and after an error.
	Command Command
	// Err is the reason why a statement is refused: a command that can't be parsed, or SQL with a
	// secret in clear text.
	Err *Error
}

// IsSQL reports whether the statement is passed on to the database.
func (s *Statement) IsSQL() bool { return s.Command == nil && s.Err == nil }

// statementSpan is a statement between two separators.
type statementSpan struct {
	// head has the first tokens.
	head   []token
	tokens int
	start  int
	end    int
	// charsBefore is the number of characters before start.
	charsBefore int
	// last means that the input ends here.
	last bool
	// secret is the error for a secret in the statement if it is SQL, nil if it has no secret.
	secret *Error
}

// nextSpan reads up to the next semicolon that separates statements: one outside of parentheses, and
// outside of the body of a function (BEGIN ATOMIC … END).
func nextSpan(l *lexer) statementSpan {
	var s statementSpan
	parens := 0
	var body atomicBody
	finder := secretFinder{query: l.query}
	for {
		t := l.nextToken()
		if s.tokens == 0 {
			s.start, s.charsBefore = t.start, t.at-1
		}
		s.end = t.end
		if t.kind == tokenEnd && (t.start == t.end || parens <= 0 && !body.isOpen()) {
			s.last = t.start == t.end
			s.secret = finder.secretError()
			return s
		}
		finder.addToken(t)
		if s.tokens++; len(s.head) < headLength {
			s.head = append(s.head, t)
		}
		switch {
		case t.isWord(l.query, "("):
			parens++
		case t.isWord(l.query, ")"):
			parens--
		case t.kind == tokenWord && parens <= 0:
			body.addWord(t.textValue(l.query))
		}
	}
}

// checkEncoding returns an error if a command is not UTF-8, in which names are stored.
func (d Dialect) checkEncoding(query string, from, to int) *Error {
	if !d.IsUTF8() && strings.IndexFunc(query[from:to], func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return &Error{
			Code: pgcode.CharacterNotInRepertoire, Message: "commands of Metadb with other letters than ASCII are read as UTF8, not as " + d.Encoding,
			Hint: "set client_encoding to UTF8", Position: utf8.RuneCountInString(query[:from]) + 1,
		}
	}
	for i := from; i < to; {
		r, size := utf8.DecodeRuneInString(query[i:to])
		if r == utf8.RuneError && size == 1 {
			return &Error{
				Code: pgcode.CharacterNotInRepertoire, Message: fmt.Sprintf("invalid byte sequence for encoding \"UTF8\": 0x%02x", query[i]),
				Hint: "set the client's encoding to UTF8", Position: utf8.RuneCountInString(query[:i]) + 1,
			}
		}
		i += size
	}
	return nil
}

// atomicBody tracks whether a CREATE FUNCTION or CREATE PROCEDURE is inside of its BEGIN ATOMIC …
// END, by psql's rules.
type atomicBody struct {
	words []string
	depth int
}

func (b *atomicBody) isOpen() bool { return b.depth > 0 }

func (b *atomicBody) addWord(word string) {
	const enough = 4
	if len(b.words) < enough {
		b.words = append(b.words, word)
	}
	if !b.isRoutine() {
		return
	}
	switch {
	case word == "begin", word == "case" && b.depth > 0:
		b.depth++
	case word == "end" && b.depth > 0:
		b.depth--
	}
}

// isRoutine reports whether the statement creates a function or a procedure.
func (b *atomicBody) isRoutine() bool {
	if len(b.words) < 2 || b.words[0] != "create" {
		return false
	}
	kinds := []string{"function", "procedure"}
	if slices.Contains(kinds, b.words[1]) {
		return true
	}
	return len(b.words) >= 4 && b.words[1] == "or" && b.words[2] == "replace" && slices.Contains(kinds, b.words[3])
}
