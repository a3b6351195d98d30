package lang

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/target/pgcode"
)

// parser is a recursive-descent parser over the tokens of one statement. After the first error its
// methods have no effect, so that the grammar functions need not check for errors.
type parser struct {
	lexer lexer
	tok   token
	err   *Error
}

// nextToken moves to the next token.
func (p *parser) nextToken() {
	if p.err != nil {
		return
	}
	p.tok = p.lexer.nextToken()
	switch {
	case p.tok.kind == tokenBroken:
		p.recordError(pgcode.SyntaxError, p.tok.fault+" at or near "+p.quoteToken(), "")
	case p.tok.kind == tokenQuoted && p.tok.end-p.tok.start == 2:
		p.recordError(pgcode.SyntaxError, `zero-length delimited identifier at or near """"`, "")
	}
}

// recordError records the first error, at the current token.
func (p *parser) recordError(code, message, hint string) {
	if p.err == nil {
		p.err = &Error{Code: code, Message: message, Hint: hint, Position: p.tok.at}
		p.tok = token{kind: tokenEnd, at: p.tok.at}
	}
}

// recordUnexpected records a syntax error in PostgreSQL's words.
func (p *parser) recordUnexpected(hint string) {
	if p.tok.kind == tokenEnd && p.tok.start == p.tok.end {
		p.recordError(pgcode.SyntaxError, "syntax error at end of input", hint)
		return
	}
	p.recordError(pgcode.SyntaxError, "syntax error at or near "+p.quoteToken(), hint)
}

// quoteToken returns the source text of the current token in quotes for a message, in PostgreSQL's style,
// shortened if it is long.
func (p *parser) quoteToken() string {
	const longest = 60
	raw := []rune(p.tok.source(p.lexer.query)[:min(len(p.tok.source(p.lexer.query)), 4*longest)])
	if len(raw) > longest {
		return `"` + string(raw[:longest]) + `…"`
	}
	return `"` + string(raw) + `"`
}

// isAt reports whether the current token is that keyword or symbol.
func (p *parser) isAt(what string) bool {
	return p.err == nil && p.tok.isWord(p.lexer.query, what)
}

// accept skips the keyword or symbol if it is the current token, and reports whether it was.
func (p *parser) accept(what string) bool {
	if !p.isAt(what) {
		return false
	}
	p.nextToken()
	return true
}

// expect skips keywords or symbols, each of which has to be next.
func (p *parser) expect(whats ...string) {
	for _, what := range whats {
		if p.err == nil && !p.accept(what) {
			p.recordUnexpected(p.hintExpected([]string{what}))
		}
	}
}

// expectOneOf skips one of several keywords and returns it, empty after an error.
func (p *parser) expectOneOf(words ...string) string {
	for _, w := range words {
		if p.accept(w) {
			return w
		}
	}
	p.recordUnexpected(p.hintExpected(words))
	return ""
}

// hintExpected returns a hint with the words that could be in place of the current token.
func (p *parser) hintExpected(words []string) string {
	if p.tok.kind == tokenWord && p.err == nil {
		if hint := Suggest(p.tok.textValue(p.lexer.query), words); strings.HasPrefix(hint, "did you mean") {
			return hint
		}
	}
	return expectedText(words)
}

// expectedText returns a text with alternatives: expected "a", "b" or "c".
func expectedText(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = `"` + w + `"`
	}
	if len(list) == 1 {
		return "expected " + list[0]
	}
	last := len(list) - 1
	return "expected " + strings.Join(list[:last], ", ") + " or " + list[last]
}

// expectEnd records an error unless the statement ends here.
func (p *parser) expectEnd() {
	if p.tok.kind != tokenEnd || p.tok.end != len(p.lexer.query) {
		p.recordUnexpected("")
	}
}

// parseName reads an identifier; the hint of an error describes it with the parameter.
func (p *parser) parseName(what string) Name {
	if p.err != nil || p.tok.kind != tokenWord && p.tok.kind != tokenQuoted {
		p.recordUnexpected("expected " + what)
		return Name{}
	}
	n := Name{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
	if strings.ContainsRune(n.Text, 0) {
		p.recordError(pgcode.InvalidName, "a name can't contain a null character", "")
	}
	p.nextToken()
	return n
}

// parseValue reads a string constant; the hint of an error describes it with the parameter.
func (p *parser) parseValue(what string) Value {
	if p.err == nil && p.tok.kind == tokenEscaped {
		p.recordUnexpected("string constants of commands are written '…', with '' for a quote")
	}
	if p.err != nil || p.tok.kind != tokenString {
		p.recordUnexpected(fmt.Sprintf("expected %s in single quotes", what))
		return Value{}
	}
	v := Value{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
	p.nextToken()
	return v
}

// parseObject reads a name that may be qualified with a schema.
func (p *parser) parseObject(what string) Object {
	o := Object{Name: p.parseName(what)}
	if p.accept(".") {
		o.Schema, o.Name = o.Name, p.parseName(what)
	}
	return o
}

// parseUntil reads a piece of SQL up to one of these symbols outside of parentheses, or up to the end of
// the statement.
func (p *parser) parseUntil(what string, symbols ...string) Value {
	start, stop, at := p.tok.start, p.tok.start, p.tok.at
	for depth := 0; p.err == nil && p.tok.kind != tokenEnd; p.nextToken() {
		if depth == 0 && slices.ContainsFunc(symbols, p.isAt) {
			break
		}
		switch {
		case p.isAt("("):
			depth++
		case p.isAt(")"):
			depth--
		}
		stop = p.tok.end
	}
	if p.err == nil && start == stop {
		p.recordUnexpected("expected " + what)
	}
	if p.err != nil {
		return Value{}
	}
	return Value{Text: p.lexer.query[start:stop], At: at}
}
