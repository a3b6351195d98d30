package lang

import (
	"slices"
	"strings"
)

// Form is the syntax of one command.
type Form struct {
	// Words are the keywords that the command begins with: "create data source".
	Words string
	// Claim has the first words that make a statement this command, or one of those with the same
	// claim. They are enough for the errors to be those of a command. If it is empty, it is Words.
	Claim string
	// Claims takes the place of Claim where the first words do not distinguish the command from a
	// statement of PostgreSQL's.
	Claims func(*Head) bool
	// Parse reads the rest of the command, behind Words.
	Parse func(*Parser) Command
}

// claims reports whether a statement is this command, or one with the same claim.
func (f *Form) claims(head *Head) bool {
	if f.Claims != nil {
		return f.Claims(head)
	}
	return head.HasWords(0, strings.Fields(f.claimWords())...)
}

// claimWords returns the words that claim a statement, "" if a function decides.
func (f *Form) claimWords() string {
	switch {
	case f.Claims != nil:
		return ""
	case f.Claim != "":
		return f.Claim
	}
	return f.Words
}

// Grammar is the syntax of all commands. Statements that none of them claims are SQL.
type Grammar struct {
	forms []Form
}

// NewGrammar returns a grammar. Hints list alternatives in the order of the forms.
func NewGrammar(forms []Form) *Grammar { return &Grammar{forms: forms} }

// Parse splits a query string at the semicolons that separate statements, and parses those that are
// commands. It leaves out empty statements.
func (g *Grammar) Parse(d Dialect, query string) []Statement {
	var statements []Statement
	l := &lexer{query: query, dialect: d}
	for {
		s := nextSpan(l)
		if s.tokens == 0 && s.last {
			return statements
		}
		if s.tokens > 0 {
			statements = append(statements, g.makeStatement(s, query, d))
		}
	}
}

// makeStatement returns the Statement of a span that is not empty.
func (g *Grammar) makeStatement(s statementSpan, query string, d Dialect) Statement {
	statement := Statement{Start: s.start, End: s.end}
	candidates := g.findForms(&Head{query: query, tokens: s.head, length: s.tokens})
	if len(candidates) == 0 {
		statement.Err = s.secret
		return statement
	}
	if err := d.checkEncoding(query, s.start, s.end); err != nil {
		statement.Err = err
		return statement
	}
	p := &Parser{lexer: lexer{query: query[:s.end], dialect: d, at: s.start, counted: s.start, chars: s.charsBefore}}
	p.nextToken()
	if form := p.chooseForm(candidates); form != nil {
		statement.Command = form.Parse(p)
	}
	if p.expectEnd(); p.err != nil {
		statement.Command, statement.Err = nil, p.err
	}
	return statement
}

// findForms returns the forms that a statement may have, which is a command then: the first one that
// claims it, and the others with the same claim.
func (g *Grammar) findForms(head *Head) []Form {
	first := slices.IndexFunc(g.forms, func(f Form) bool { return f.claims(head) })
	if first < 0 {
		return nil
	}
	claim := g.forms[first].claimWords()
	if claim == "" {
		return g.forms[first : first+1]
	}
	var list []Form
	for _, f := range g.forms {
		if f.claimWords() == claim {
			list = append(list, f)
		}
	}
	return list
}

// chooseForm reads the words that the statement begins with, and returns its form, nil after an
// error.
func (p *Parser) chooseForm(candidates []Form) *Form {
	for i := 0; ; i++ {
		var words []string
		for _, f := range candidates {
			if all := strings.Fields(f.Words); i < len(all) && !slices.Contains(words, all[i]) {
				words = append(words, all[i])
			}
		}
		if len(words) == 0 {
			return &candidates[0]
		}
		word := p.ExpectOneOf(words...)
		if word == "" {
			return nil
		}
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(f Form) bool {
			all := strings.Fields(f.Words)
			return i >= len(all) || all[i] != word
		})
	}
}
