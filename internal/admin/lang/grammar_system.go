package lang

// Listings returns the names of the lists that LIST has.
func Listings() []string {
	return []string{"blockers", "config", "data_mappings", "data_origins", "data_sources", "status", "users"}
}

// parseList parses LIST with the name of a list. The grammar checks the name, since the lists are
// few.
func parseList(p *parser) Command {
	p.expect("list")
	at := p.tok.at
	return List{What: Name{Text: p.expectOneOf(Listings()...), At: at}}
}

// parseHelp parses HELP [WORD …].
func parseHelp(p *parser) Command {
	p.expect("help")
	var c Help
	for p.err == nil && p.tok.kind != tokenEnd {
		c.Words = append(c.Words, p.parseName("the first words of a command"))
	}
	return c
}

// parseAlterSystem parses ALTER SYSTEM SET PARAM {= | TO} {'V' | number}.
func parseAlterSystem(p *parser) Command {
	p.expect("alter", "system", "set")
	c := AlterSystem{Parameter: p.parseName("a parameter")}
	if !p.accept("to") {
		p.expect("=")
	}
	if p.err == nil && p.tok.kind == tokenNumber {
		c.Value = Value{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
		p.nextToken()
		return c
	}
	c.Value = p.parseValue("a value")
	return c
}

func parseVerify(p *parser) Command {
	p.expect("verify", "consistency")
	return VerifyConsistency{}
}

func parseRefreshTypes(p *parser) Command {
	p.expect("refresh", "inferred", "column", "types")
	return RefreshTypes{}
}

func parseRetry(p *parser) Command {
	p.expect("retry")
	return p.parseRejected(false)
}

// parsePurge parses PURGE DATA DROP TABLE S.T__ [, …] and PURGE REJECTED
// EVENTS FOR DATA SOURCE S.
func parsePurge(p *parser) Command {
	p.expect("purge")
	if p.isAt("rejected") {
		return p.parseRejected(true)
	}
	if p.expectOneOf("data", "rejected") == "" {
		return nil
	}
	p.expect("drop", "table")
	c := PurgeTables{Tables: []Object{p.parseObject("a table")}}
	for p.accept(",") {
		c.Tables = append(c.Tables, p.parseObject("a table"))
	}
	return c
}

// parseRejected parses REJECTED EVENTS FOR DATA SOURCE S.
func (p *parser) parseRejected(purge bool) Command {
	p.expect("rejected", "events", "for", "data", "source")
	return Rejected{Purge: purge, Source: p.parseName("a data source")}
}
