package adminlang

func parseRefreshMapping(p *parser) Command {
	p.expect("refresh", "data", "mapping", "for", "table")
	return RefreshMapping{Table: p.object("a table")}
}

// parseAlterTable parses ALTER TABLE S.T__ ADD COLUMN C TYPE and ALTER TABLE
// S.T__ ALTER COLUMN C TYPE TYPE.
func parseAlterTable(p *parser) Command {
	p.expect("alter", "table")
	c := AlterTable{Table: p.object("a table")}
	c.Add = p.choice("add", "alter") == "add"
	p.expect("column")
	c.Column = p.name("a column")
	if !c.Add {
		p.expect("type")
	}
	c.Type = p.until("a type")
	return c
}
