package lang

// parseCreateUser parses CREATE USER U WITH PASSWORD 'P' [, COMMENT 'C'] [, CONNECTION_LIMIT 'N'].
func parseCreateUser(p *parser) Command {
	p.expect("create", "user")
	c := CreateUser{User: p.parseName("a user")}
	p.expect("with", "password")
	c.Password = p.parseValue("a password")
	for p.accept(",") {
		if p.expectOneOf("comment", "connection_limit") == "comment" {
			c.Comment = p.parseValue("a comment")
		} else {
			c.ConnectionLimit = p.parseValue("a number")
		}
	}
	return c
}

// parseAlterUser parses ALTER USER U WITH PASSWORD 'P'.
func parseAlterUser(p *parser) Command {
	p.expect("alter", "user")
	c := AlterUser{User: p.parseName("a user")}
	p.expect("with", "password")
	c.Password = p.parseValue("a password")
	return c
}

func parseDropUser(p *parser) Command {
	p.expect("drop", "user")
	c := DropUser{User: p.parseName("a user")}
	if p.accept("with") {
		p.expect("(", "drop", "objects", ")")
		c.Objects = true
	}
	return c
}

func parseRegister(p *parser) Command {
	p.expect("register", "user")
	return RegisterUser{User: p.parseName("a user")}
}

func parseDeregister(p *parser) Command {
	p.expect("deregister", "user")
	return RegisterUser{User: p.parseName("a user"), Off: true}
}

func parseCreateSchema(p *parser) Command {
	p.expect("create", "schema", "for", "user")
	return CreateSchema{User: p.parseName("a user")}
}

func parseGrant(p *parser) Command {
	p.expect("grant", "access", "on")
	c := Grant{Target: p.parseTarget()}
	p.expect("to")
	c.User = p.parseName("a user")
	return c
}

func parseRevoke(p *parser) Command {
	p.expect("revoke", "access", "on")
	c := Grant{Revoke: true, Target: p.parseTarget()}
	p.expect("from")
	c.User = p.parseName("a user")
	return c
}

// parseTarget parses {TABLE S.T | FUNCTION S.F(TYPES) | ALL}.
func (p *parser) parseTarget() Target {
	switch p.expectOneOf("table", "function", "all") {
	case "table":
		return Target{Kind: Table, Object: p.parseObject("a table")}
	case "function":
		t := Target{Kind: Function, Object: p.parseObject("a function")}
		t.Types = p.parseTypes()
		return t
	default:
		return Target{Kind: All}
	}
}

// parseTypes parses ([TYPE [, …]]).
func (p *parser) parseTypes() []Value {
	var list []Value
	p.expect("(")
	for p.err == nil && !p.isAt(")") {
		list = append(list, p.parseUntil("a type", ",", ")"))
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return list
}
