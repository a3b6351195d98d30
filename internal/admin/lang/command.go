package lang

import (
	"fmt"
	"strings"
)

// Command is a statement of Metadb's own. Its String is the command in a canonical form without
// secrets, which may be logged.
type Command interface {
	fmt.Stringer
}

// Name is an identifier, folded or unquoted.
type Name struct {
	Text string
	// At is its position, in characters of the query string from 1.
	At int
}

// String returns the identifier, quoted if it has to be.
func (n Name) String() string {
	for i := range len(n.Text) {
		c := n.Text[i]
		plain := 'a' <= c && c <= 'z' || c == '_' || i > 0 && isDigit(c)
		if !plain {
			return `"` + strings.ReplaceAll(n.Text, `"`, `""`) + `"`
		}
	}
	return n.Text
}

// Value is a string constant, without its quotes.
type Value struct {
	Text string
	// At is its position, in characters of the query string from 1.
	At int
}

// String returns the constant in quotes.
func (v Value) String() string { return "'" + strings.ReplaceAll(v.Text, "'", "''") + "'" }

// HiddenText replaces a secret in the String of a command.
const HiddenText = "'********'"

// Object is the name of a table or a function; Schema is empty if it is not qualified.
type Object struct{ Schema, Name Name }

// String returns schema.name, or the name alone.
func (o Object) String() string {
	if o.Schema.Text == "" {
		return o.Name.String()
	}
	return o.Schema.String() + "." + o.Name.String()
}

// At is the position of its first part.
func (o Object) At() int {
	if o.Schema.Text == "" {
		return o.Name.At
	}
	return o.Schema.At
}

// Join prints a comma-separated list.
func Join[T fmt.Stringer](list []T) string {
	parts := make([]string, len(list))
	for i, o := range list {
		parts[i] = o.String()
	}
	return strings.Join(parts, ", ")
}
