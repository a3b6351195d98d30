package lang

func parseRefreshMapping(p *parser) Command {
	p.expect("refresh", "data", "mapping", "for", "table")
	return RefreshMapping{Table: p.parseObject("a table")}
}

// parseAlterTable parses ALTER TABLE S.T__ ADD COLUMN C TYPE and ALTER TABLE
// S.T__ ALTER COLUMN C TYPE TYPE.
func parseAlterTable(p *parser) Command {
	p.expect("alter", "table")
	c := AlterTable{Table: p.parseObject("a table")}
	c.Add = p.expectOneOf("add", "alter") == "add"
	p.expect("column")
	c.Column = p.parseName("a column")
	if !c.Add {
		p.expect("type")
	}
	c.Type = p.parseUntil("a type")
	return c
}
