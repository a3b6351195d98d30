package lang

import "strconv"

// parseCreateData parses CREATE DATA {SOURCE | ORIGIN | MAPPING} ….
func parseCreateData(p *parser) Command {
	p.expect("create", "data")
	switch p.expectOneOf("source", "origin", "mapping") {
	case "source":
		return parseCreateSource(p)
	case "origin":
		return CreateOrigin{Name: p.parseName("a name")}
	default:
		c := CreateMapping{Mapping: p.parseMapping()}
		p.expect("to")
		c.Target = p.parseValue("a name")
		return c
	}
}

func parseCreateSource(p *parser) Command {
	c := CreateSource{Name: p.parseName("a name")}
	p.expect("type")
	c.Type = p.parseName(`"kafka"`)
	if p.accept("options") {
		c.Options = p.parseOptions(false)
	}
	return c
}

// parseAlterData parses ALTER DATA SOURCE NAME OPTIONS (…).
func parseAlterData(p *parser) Command {
	p.expect("alter", "data", "source")
	c := AlterSource{Name: p.parseName("a name")}
	p.expect("options")
	c.Options = p.parseOptions(true)
	return c
}

// parseDropData parses DROP DATA {SOURCE | ORIGIN | MAPPING} ….
func parseDropData(p *parser) Command {
	p.expect("drop", "data")
	switch p.expectOneOf("source", "origin", "mapping") {
	case "source":
		return DropSource{Name: p.parseName("a name")}
	case "origin":
		return DropOrigin{Name: p.parseName("a name")}
	default:
		return DropMapping{Mapping: p.parseMapping()}
	}
}

// parseMapping parses FOR JSON FROM TABLE S.T__ COLUMN C PATH 'P'.
func (p *parser) parseMapping() Mapping {
	p.expect("for", "json", "from", "table")
	m := Mapping{Table: p.parseObject("a table")}
	p.expect("column")
	m.Column = p.parseName("a column")
	p.expect("path")
	m.Path = p.parseValue("a path")
	return m
}

// parseOptions parses (option [, …]); actions means that an option may begin with ADD, SET or DROP.
func (p *parser) parseOptions(actions bool) []Option {
	var list []Option
	p.expect("(")
	for p.err == nil {
		list = append(list, p.parseOption(actions))
		if !p.accept(",") {
			break
		}
	}
	if p.err == nil && !p.accept(")") {
		p.recordUnexpected(`expected "," or ")"`)
	}
	return list
}

func (p *parser) parseOption(actions bool) Option {
	o := Option{Key: p.parseName("an option")}
	if actions && p.err == nil && (p.tok.kind == tokenWord || p.tok.kind == tokenQuoted) {
		switch o.Key.Text {
		case "add":
			o = Option{Action: Add, Key: p.parseName("an option")}
		case "set":
			o = Option{Action: Set, Key: p.parseName("an option")}
		case "drop":
			return Option{Action: Drop, Key: p.parseName("an option")}
		}
	}
	o.Value = p.parseValue("a value")
	return o
}

// parseSkip parses SKIP PARTITION T/N TO OFFSET O FOR DATA SOURCE S. The topic keeps its case, and
// may be in quotes of either kind.
func parseSkip(p *parser) Command {
	p.expect("skip", "partition")
	c := SkipPartition{Topic: p.parseTopic()}
	p.expect("/")
	c.Partition = int32(p.parseInteger("the number of a partition", 32))
	p.expect("to", "offset")
	c.OffsetAt = p.tok.at
	c.Offset = p.parseInteger("an offset", 64)
	p.expect("for", "data", "source")
	c.Source = p.parseName("a data source")
	return c
}

// parseTopic reads the name of a Kafka topic, up to the slash.
func (p *parser) parseTopic() Value {
	if p.err == nil && (p.tok.kind == tokenQuoted || p.tok.kind == tokenString) {
		v := Value{Text: p.tok.textValue(p.lexer.query), At: p.tok.at}
		p.nextToken()
		return v
	}
	return p.parseUntil("a topic", "/")
}

// parseInteger reads a number of at least 0 that fits into a signed integer of so many bits.
func (p *parser) parseInteger(what string, bits int) int64 {
	if p.err != nil || p.tok.kind != tokenNumber {
		p.recordUnexpected("expected " + what)
		return 0
	}
	n, err := strconv.ParseInt(p.tok.textValue(p.lexer.query), 10, bits)
	if err != nil {
		p.recordUnexpected("expected " + what)
		return 0
	}
	p.nextToken()
	return n
}

func parseSync(p *parser) Command {
	p.expect("sync")
	return p.parseSyncStep(Begin)
}

func parseEndsync(p *parser) Command {
	p.expect("endsync")
	return p.parseSyncStep(End)
}

func parseAbortSync(p *parser) Command {
	p.expect("abort", "sync")
	return p.parseSyncStep(Abort)
}

// parseSyncStep parses {DATA SOURCE S | TABLE S.T__} [WITH (WORD [, …])].
func (p *parser) parseSyncStep(step Step) Command {
	c := Sync{Step: step}
	if p.expectOneOf("data", "table") == "table" {
		c.Table = p.parseObject("a table")
	} else {
		p.expect("source")
		c.Source = p.parseName("a data source")
	}
	if step != Abort && p.accept("with") {
		c.With = p.parseWords(step.With())
	}
	return c
}

// parseWords parses (word [, …]), each of which must be one of the valid ones.
func (p *parser) parseWords(valid []string) []Name {
	var list []Name
	p.expect("(")
	for p.err == nil {
		at := p.tok.at
		list = append(list, Name{Text: p.expectOneOf(valid...), At: at})
		if !p.accept(",") {
			break
		}
	}
	if p.err == nil && !p.accept(")") {
		p.recordUnexpected(`expected "," or ")"`)
	}
	return list
}
