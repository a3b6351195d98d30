package command

import (
	"fmt"

	"metadb/internal/admin/lang"
)

// mapping names a JSON mapping: FOR JSON FROM TABLE S.T__ COLUMN C PATH 'P'.
type mapping struct {
	Table  lang.Object
	Column lang.Name
	Path   lang.Value
}

func (m mapping) String() string {
	return fmt.Sprintf("data mapping for json from table %s column %s path %s", m.Table, m.Column, m.Path)
}

func parseMapping(p *lang.Parser) mapping {
	p.Expect("for", "json", "from", "table")
	m := mapping{Table: p.Object("a table")}
	p.Expect("column")
	m.Column = p.Name("a column")
	p.Expect("path")
	m.Path = p.Value("a path")
	return m
}
