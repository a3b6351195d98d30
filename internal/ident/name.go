package ident

import "strings"

// MaxBytes is the longest identifier that PostgreSQL keeps, NAMEDATALEN - 1.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
const MaxBytes = 63

// Name is an identifier as PostgreSQL stores it: unquoted, with its case.
type Name string

// SQL returns the identifier quoted for use in a statement. It is always quoted, which covers
// reserved words and mixed case.
func (n Name) SQL() string {
	return `"` + strings.ReplaceAll(string(n), `"`, `""`) + `"`
}

// Word returns the identifier as users type it in commands: quoted only where necessary. It does
// not quote reserved words, and so is only for commands that take any name.
func (n Name) Word() string {
	for i, c := range []byte(n) {
		switch {
		case c >= 'a' && c <= 'z' || c == '_' || i > 0 && c >= '0' && c <= '9':
		default:
			return n.SQL()
		}
	}
	if n == "" {
		return n.SQL()
	}
	return string(n)
}

// Qualified is the name of a relation or function in a schema.
type Qualified struct {
	Schema Name
	Name   Name
}

// SQL returns the quoted schema and name for use in a statement.
func (q Qualified) SQL() string { return q.Schema.SQL() + "." + q.Name.SQL() }

// Regclass returns the constant that stands for the relation in an expression.
func (q Qualified) Regclass() string {
	return "'" + strings.ReplaceAll(q.SQL(), "'", "''") + "'::pg_catalog.regclass"
}

// Word returns schema and name as a person types them, each quoted where it has to
// be.
func (q Qualified) Word() string { return q.Schema.Word() + "." + q.Name.Word() }

// String returns schema.name for messages. It is not SQL.
func (q Qualified) String() string { return string(q.Schema) + "." + string(q.Name) }

// List returns the names quoted and separated by commas.
func List(names []Name) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name.SQL())
	}
	return b.String()
}
