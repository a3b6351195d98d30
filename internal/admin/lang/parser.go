package lang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"metadb/internal/target/pgcode"
)

// Parser is a recursive-descent parser over the tokens of one statement. After the first error its
// methods have no effect, so that the grammar functions need not check for errors.
type Parser struct {
	lexer lexer
	tok   token
	err   *Error
}

// nextToken moves to the next token.
func (p *Parser) nextToken() {
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
func (p *Parser) recordError(code, message, hint string) {
	if p.err == nil {
		p.err = &Error{Code: code, Message: message, Hint: hint, Position: p.tok.at}
		p.tok = token{kind: tokenEnd, at: p.tok.at}
	}
}

// RefuseToken records a syntax error in PostgreSQL's words.
func (p *Parser) RefuseToken(hint string) {
	if p.tok.kind == tokenEnd && p.tok.start == p.tok.end {
		p.recordError(pgcode.SyntaxError, "syntax error at end of input", hint)
		return
	}
	p.recordError(pgcode.SyntaxError, "syntax error at or near "+p.quoteToken(), hint)
}

// quoteToken returns the source text of the current token in quotes for a message, in PostgreSQL's style,
// shortened if it is long.
func (p *Parser) quoteToken() string {
	const longest = 60
	raw := []rune(p.tok.source(p.lexer.query)[:min(len(p.tok.source(p.lexer.query)), 4*longest)])
	if len(raw) > longest {
		return `"` + string(raw[:longest]) + `…"`
	}
	return `"` + string(raw) + `"`
}

// IsAt reports whether the current token is that keyword or symbol.
func (p *Parser) IsAt(what string) bool {
	return p.err == nil && p.tok.isWord(p.lexer.query, what)
}

// Accept skips the keyword or symbol if it is the current token, and reports whether it was.
func (p *Parser) Accept(what string) bool {
	if !p.IsAt(what) {
		return false
	}
	p.nextToken()
	return true
}

// Expect skips keywords or symbols, each of which has to be next.
func (p *Parser) Expect(whats ...string) {
	for _, what := range whats {
		if p.err == nil && !p.Accept(what) {
			p.RefuseToken(p.hintExpected([]string{what}))
		}
	}
}

// ExpectOneOf skips one of several keywords and returns it, empty after an error.
func (p *Parser) ExpectOneOf(words ...string) string {
	for _, w := range words {
		if p.Accept(w) {
			return w
		}
	}
	p.RefuseToken(p.hintExpected(words))
	return ""
}

// hintExpected returns a hint with the words that could be in place of the current token.
func (p *Parser) hintExpected(words []string) string {
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
func (p *Parser) expectEnd() {
	if p.tok.kind != tokenEnd || p.tok.end != len(p.lexer.query) {
		p.RefuseToken("")
	}
}

// Name reads an identifier; the hint of an error describes it with the parameter.
func (p *Parser) Name(what string) Name {
	if p.err != nil || p.tok.kind != tokenWord && p.tok.kind != tokenQuoted {
		p.RefuseToken("expected " + what)
		return Name{}
	}
	n := Name{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
	if strings.ContainsRune(n.Text, 0) {
		p.recordError(pgcode.InvalidName, "a name can't contain a null character", "")
	}
	p.nextToken()
	return n
}

// Value reads a string constant; the hint of an error describes it with the parameter.
func (p *Parser) Value(what string) Value {
	if p.err == nil && p.tok.kind == tokenEscaped {
		p.RefuseToken("string constants of commands are written '…', with '' for a quote")
	}
	if p.err != nil || p.tok.kind != tokenString {
		p.RefuseToken(fmt.Sprintf("expected %s in single quotes", what))
		return Value{}
	}
	v := Value{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
	p.nextToken()
	return v
}

// Object reads a name that may be qualified with a schema.
func (p *Parser) Object(what string) Object {
	o := Object{Name: p.Name(what)}
	if p.Accept(".") {
		o.Schema, o.Name = o.Name, p.Name(what)
	}
	return o
}

// Until reads a piece of SQL up to one of these symbols outside of parentheses, or up to the end of
// the statement.
func (p *Parser) Until(what string, symbols ...string) Value {
	start, stop, at := p.tok.start, p.tok.start, p.tok.at
	for depth := 0; p.err == nil && p.tok.kind != tokenEnd; p.nextToken() {
		if depth == 0 && slices.ContainsFunc(symbols, p.IsAt) {
			break
		}
		switch {
		case p.IsAt("("):
			depth++
		case p.IsAt(")"):
			depth--
		}
		stop = p.tok.end
	}
	if p.err == nil && start == stop {
		p.RefuseToken("expected " + what)
	}
	if p.err != nil {
		return Value{}
	}
	return Value{Text: p.lexer.query[start:stop], At: at}
}

// Words reads words or quoted names up to the end of the statement.
func (p *Parser) Words(what string) []Name {
	var list []Name
	for p.err == nil && p.tok.kind != tokenEnd {
		list = append(list, p.Name(what))
	}
	return list
}

// List reads (element [, …]).
func (p *Parser) List(element func()) {
	p.Expect("(")
	for p.err == nil {
		element()
		if !p.Accept(",") {
			break
		}
	}
	if p.err == nil && !p.Accept(")") {
		p.RefuseToken(`expected "," or ")"`)
	}
}

// NamedOrQuoted reads a name in quotes of either kind, or a piece of SQL up to the symbol.
func (p *Parser) NamedOrQuoted(what, symbol string) Value {
	if p.err == nil && (p.tok.kind == tokenQuoted || p.tok.kind == tokenString) {
		v := Value{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
		p.nextToken()
		return v
	}
	return p.Until(what, symbol)
}

// Integer reads a number of at least 0 that fits into a signed integer of so many bits.
func (p *Parser) Integer(what string, bits int) int64 {
	if p.err != nil || p.tok.kind != tokenNumber {
		p.RefuseToken("expected " + what)
		return 0
	}
	n, err := strconv.ParseInt(p.tok.textValue(p.lexer.query), 10, bits)
	if err != nil {
		p.RefuseToken("expected " + what)
		return 0
	}
	p.nextToken()
	return n
}

// ValueOrNumber reads a string constant, or a number without quotes.
func (p *Parser) ValueOrNumber(what string) Value {
	if p.err == nil && p.tok.kind == tokenNumber {
		v := Value{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
		p.nextToken()
		return v
	}
	return p.Value(what)
}

// IsName reports whether a name can be at the current token.
func (p *Parser) IsName() bool {
	return p.err == nil && (p.tok.kind == tokenWord || p.tok.kind == tokenQuoted)
}

// Position returns the position of the current token, in characters of the query string from 1.
func (p *Parser) Position() int { return p.tok.at }

// Failed reports whether an error is recorded.
func (p *Parser) Failed() bool { return p.err != nil }
