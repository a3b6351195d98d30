package adminlang

// parseCreateUser parses CREATE USER U WITH PASSWORD 'P' [, COMMENT 'C'] [, CONNECTION_LIMIT 'N'].
func parseCreateUser(p *parser) Command {
	p.expect("create", "user")
	c := CreateUser{User: p.name("a user")}
	p.expect("with", "password")
	c.Password = p.value("a password")
	for p.accept(",") {
		if p.choice("comment", "connection_limit") == "comment" {
			c.Comment = p.value("a comment")
		} else {
			c.ConnectionLimit = p.value("a number")
		}
	}
	return c
}

// parseAlterUser parses ALTER USER U WITH PASSWORD 'P'.
func parseAlterUser(p *parser) Command {
	p.expect("alter", "user")
	c := AlterUser{User: p.name("a user")}
	p.expect("with", "password")
	c.Password = p.value("a password")
	return c
}

func parseDropUser(p *parser) Command {
	p.expect("drop", "user")
	c := DropUser{User: p.name("a user")}
	if p.accept("with") {
		p.expect("(", "drop", "objects", ")")
		c.Objects = true
	}
	return c
}

func parseRegister(p *parser) Command {
	p.expect("register", "user")
	return RegisterUser{User: p.name("a user")}
}

func parseDeregister(p *parser) Command {
	p.expect("deregister", "user")
	return RegisterUser{User: p.name("a user"), Off: true}
}

func parseCreateSchema(p *parser) Command {
	p.expect("create", "schema", "for", "user")
	return CreateSchema{User: p.name("a user")}
}

func parseGrant(p *parser) Command {
	p.expect("grant", "access", "on")
	c := Grant{Target: p.target()}
	p.expect("to")
	c.User = p.name("a user")
	return c
}

func parseRevoke(p *parser) Command {
	p.expect("revoke", "access", "on")
	c := Grant{Revoke: true, Target: p.target()}
	p.expect("from")
	c.User = p.name("a user")
	return c
}

// target parses {TABLE S.T | FUNCTION S.F(TYPES) | ALL}.
func (p *parser) target() Target {
	switch p.choice("table", "function", "all") {
	case "table":
		return Target{Kind: Table, Object: p.object("a table")}
	case "function":
		t := Target{Kind: Function, Object: p.object("a function")}
		t.Types = p.types()
		return t
	default:
		return Target{Kind: All}
	}
}

// types parses ([TYPE [, …]]).
func (p *parser) types() []Value {
	var list []Value
	p.expect("(")
	for p.err == nil && !p.is(")") {
		list = append(list, p.until("a type", ",", ")"))
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return list
}
