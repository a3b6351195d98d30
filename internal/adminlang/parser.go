package adminlang

import (
	"fmt"
	"slices"
	"strings"
)

// parser is a recursive-descent parser over the tokens of one statement. After the first error its
// methods have no effect, so that the grammar functions need not check for errors.
type parser struct {
	lexer lexer
	tok   token
	err   *Error
}

// advance moves to the next token.
func (p *parser) advance() {
	if p.err != nil {
		return
	}
	p.tok = p.lexer.next()
	switch {
	case p.tok.kind == broken:
		p.fail(codeSyntax, p.tok.fault+" at or near "+p.near(), "")
	case p.tok.kind == quoted && p.tok.end-p.tok.start == 2:
		p.fail(codeSyntax, `zero-length delimited identifier at or near """"`, "")
	}
}

// fail records the first error, at the current token.
func (p *parser) fail(code, message, hint string) {
	if p.err == nil {
		p.err = &Error{Code: code, Message: message, Hint: hint, Position: p.tok.at}
		p.tok = token{kind: end, at: p.tok.at}
	}
}

// unexpected records a syntax error in PostgreSQL's words.
func (p *parser) unexpected(hint string) {
	if p.tok.kind == end && p.tok.start == p.tok.end {
		p.fail(codeSyntax, "syntax error at end of input", hint)
		return
	}
	p.fail(codeSyntax, "syntax error at or near "+p.near(), hint)
}

// near returns the source text of the current token in quotes for a message, in PostgreSQL's style,
// shortened if it is long.
func (p *parser) near() string {
	const longest = 60
	raw := []rune(p.tok.raw(p.lexer.query)[:min(len(p.tok.raw(p.lexer.query)), 4*longest)])
	if len(raw) > longest {
		return `"` + string(raw[:longest]) + `…"`
	}
	return `"` + string(raw) + `"`
}

// is reports whether the current token is that keyword or symbol.
func (p *parser) is(what string) bool {
	return p.err == nil && p.tok.is(p.lexer.query, what)
}

// accept skips the keyword or symbol if it is the current token, and reports whether it was.
func (p *parser) accept(what string) bool {
	if !p.is(what) {
		return false
	}
	p.advance()
	return true
}

// expect skips keywords or symbols, each of which has to be next.
func (p *parser) expect(whats ...string) {
	for _, what := range whats {
		if p.err == nil && !p.accept(what) {
			p.unexpected(p.hint([]string{what}))
		}
	}
}

// choice skips one of several keywords and returns it, empty after an error.
func (p *parser) choice(words ...string) string {
	for _, w := range words {
		if p.accept(w) {
			return w
		}
	}
	p.unexpected(p.hint(words))
	return ""
}

// hint returns a hint with the words that could be in place of the current token.
func (p *parser) hint(words []string) string {
	if p.tok.kind == word && p.err == nil {
		if hint := Suggest(p.tok.value(p.lexer.query), words); strings.HasPrefix(hint, "did you mean") {
			return hint
		}
	}
	return expected(words)
}

// expected returns a text with alternatives: expected "a", "b" or "c".
func expected(words []string) string {
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
	if p.tok.kind != end || p.tok.end != len(p.lexer.query) {
		p.unexpected("")
	}
}

// name reads an identifier; the hint of an error describes it with the parameter.
func (p *parser) name(what string) Name {
	if p.err != nil || p.tok.kind != word && p.tok.kind != quoted {
		p.unexpected("expected " + what)
		return Name{}
	}
	n := Name{Text: p.tok.value(p.lexer.query), At: p.tok.at}
	if strings.ContainsRune(n.Text, 0) {
		p.fail(codeName, "a name can't contain a null character", "")
	}
	p.advance()
	return n
}

// value reads a string constant; the hint of an error describes it with the parameter.
func (p *parser) value(what string) Value {
	if p.err == nil && p.tok.kind == escaped {
		p.unexpected("string constants of commands are written '…', with '' for a quote")
	}
	if p.err != nil || p.tok.kind != text {
		p.unexpected(fmt.Sprintf("expected %s in single quotes", what))
		return Value{}
	}
	v := Value{Text: p.tok.value(p.lexer.query), At: p.tok.at}
	p.advance()
	return v
}

// object reads a name that may be qualified with a schema.
func (p *parser) object(what string) Object {
	o := Object{Name: p.name(what)}
	if p.accept(".") {
		o.Schema, o.Name = o.Name, p.name(what)
	}
	return o
}

// until reads a piece of SQL up to one of these symbols outside of parentheses, or up to the end of
// the statement.
func (p *parser) until(what string, symbols ...string) Value {
	start, stop, at := p.tok.start, p.tok.start, p.tok.at
	for depth := 0; p.err == nil && p.tok.kind != end; p.advance() {
		if depth == 0 && slices.ContainsFunc(symbols, p.is) {
			break
		}
		switch {
		case p.is("("):
			depth++
		case p.is(")"):
			depth--
		}
		stop = p.tok.end
	}
	if p.err == nil && start == stop {
		p.unexpected("expected " + what)
	}
	if p.err != nil {
		return Value{}
	}
	return Value{Text: p.lexer.query[start:stop], At: at}
}
