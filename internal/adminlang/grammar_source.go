package adminlang

import "strconv"

// parseCreateData parses CREATE DATA {SOURCE | ORIGIN | MAPPING} ….
func parseCreateData(p *parser) Command {
	p.expect("create", "data")
	switch p.choice("source", "origin", "mapping") {
	case "source":
		return parseCreateSource(p)
	case "origin":
		return CreateOrigin{Name: p.name("a name")}
	default:
		c := CreateMapping{Mapping: p.mapping()}
		p.expect("to")
		c.Target = p.value("a name")
		return c
	}
}

func parseCreateSource(p *parser) Command {
	c := CreateSource{Name: p.name("a name")}
	p.expect("type")
	c.Type = p.name(`"kafka"`)
	if p.accept("options") {
		c.Options = p.options(false)
	}
	return c
}

// parseAlterData parses ALTER DATA SOURCE NAME OPTIONS (…).
func parseAlterData(p *parser) Command {
	p.expect("alter", "data", "source")
	c := AlterSource{Name: p.name("a name")}
	p.expect("options")
	c.Options = p.options(true)
	return c
}

// parseDropData parses DROP DATA {SOURCE | ORIGIN | MAPPING} ….
func parseDropData(p *parser) Command {
	p.expect("drop", "data")
	switch p.choice("source", "origin", "mapping") {
	case "source":
		return DropSource{Name: p.name("a name")}
	case "origin":
		return DropOrigin{Name: p.name("a name")}
	default:
		return DropMapping{Mapping: p.mapping()}
	}
}

// mapping parses FOR JSON FROM TABLE S.T__ COLUMN C PATH 'P'.
func (p *parser) mapping() Mapping {
	p.expect("for", "json", "from", "table")
	m := Mapping{Table: p.object("a table")}
	p.expect("column")
	m.Column = p.name("a column")
	p.expect("path")
	m.Path = p.value("a path")
	return m
}

// options parses (option [, …]); actions means that an option may begin with ADD, SET or DROP.
func (p *parser) options(actions bool) []Option {
	var list []Option
	p.expect("(")
	for p.err == nil {
		list = append(list, p.option(actions))
		if !p.accept(",") {
			break
		}
	}
	if p.err == nil && !p.accept(")") {
		p.unexpected(`expected "," or ")"`)
	}
	return list
}

func (p *parser) option(actions bool) Option {
	o := Option{Key: p.name("an option")}
	if actions && p.err == nil && (p.tok.kind == word || p.tok.kind == quoted) {
		switch o.Key.Text {
		case "add":
			o = Option{Action: Add, Key: p.name("an option")}
		case "set":
			o = Option{Action: Set, Key: p.name("an option")}
		case "drop":
			return Option{Action: Drop, Key: p.name("an option")}
		}
	}
	o.Value = p.value("a value")
	return o
}

// parseSkip parses SKIP PARTITION T/N TO OFFSET O FOR DATA SOURCE S. The topic keeps its case, and
// may be in quotes of either kind.
func parseSkip(p *parser) Command {
	p.expect("skip", "partition")
	c := SkipPartition{Topic: p.topic()}
	p.expect("/")
	c.Partition = int32(p.integer("the number of a partition", 32))
	p.expect("to", "offset")
	c.OffsetAt = p.tok.at
	c.Offset = p.integer("an offset", 64)
	p.expect("for", "data", "source")
	c.Source = p.name("a data source")
	return c
}

// topic reads the name of a Kafka topic, up to the slash.
func (p *parser) topic() Value {
	if p.err == nil && (p.tok.kind == quoted || p.tok.kind == text) {
		v := Value{Text: p.tok.value(p.lexer.query), At: p.tok.at}
		p.advance()
		return v
	}
	return p.until("a topic", "/")
}

// integer reads a number of at least 0 that fits into a signed integer of so many bits.
func (p *parser) integer(what string, bits int) int64 {
	if p.err != nil || p.tok.kind != number {
		p.unexpected("expected " + what)
		return 0
	}
	n, err := strconv.ParseInt(p.tok.value(p.lexer.query), 10, bits)
	if err != nil {
		p.unexpected("expected " + what)
		return 0
	}
	p.advance()
	return n
}

func parseSync(p *parser) Command {
	p.expect("sync")
	return p.sync(Begin)
}

func parseEndsync(p *parser) Command {
	p.expect("endsync")
	return p.sync(End)
}

func parseAbortSync(p *parser) Command {
	p.expect("abort", "sync")
	return p.sync(Abort)
}

// sync parses {DATA SOURCE S | TABLE S.T__} [WITH (WORD [, …])].
func (p *parser) sync(step Step) Command {
	c := Sync{Step: step}
	if p.choice("data", "table") == "table" {
		c.Table = p.object("a table")
	} else {
		p.expect("source")
		c.Source = p.name("a data source")
	}
	if step != Abort && p.accept("with") {
		c.With = p.words(step.With())
	}
	return c
}

// words parses (word [, …]), each of which must be one of the valid ones.
func (p *parser) words(valid []string) []Name {
	var list []Name
	p.expect("(")
	for p.err == nil {
		at := p.tok.at
		list = append(list, Name{Text: p.choice(valid...), At: at})
		if !p.accept(",") {
			break
		}
	}
	if p.err == nil && !p.accept(")") {
		p.unexpected(`expected "," or ")"`)
	}
	return list
}
