package lang

import (
	"fmt"
	"strings"
)

// Command is a statement of Metadb's own. Its String is the command in a canonical form without
// secrets, which may be logged.
type Command interface {
	fmt.Stringer
	command()
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

// hiddenText replaces a secret in the String of a command.
const hiddenText = "'********'"

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

// joinObjects prints a comma-separated list.
func joinObjects[T fmt.Stringer](list []T) string {
	parts := make([]string, len(list))
	for i, o := range list {
		parts[i] = o.String()
	}
	return strings.Join(parts, ", ")
}

// List is LIST with the name of a list.
type List struct{ What Name }

func (List) command() {}

func (c List) String() string { return "list " + c.What.String() }

// Help is HELP, with the first words of a command or without.
type Help struct{ Words []Name }

func (Help) command() {}

func (c Help) String() string {
	s := "help"
	for _, w := range c.Words {
		s += " " + w.String()
	}
	return s
}

// AlterSystem is ALTER SYSTEM SET PARAM = 'V'.
type AlterSystem struct {
	Parameter Name
	Value     Value
}

func (AlterSystem) command() {}

func (c AlterSystem) String() string {
	return fmt.Sprintf("alter system set %s = %s", c.Parameter, c.Value)
}

// VerifyConsistency is VERIFY CONSISTENCY.
type VerifyConsistency struct{}

func (VerifyConsistency) command() {}

func (VerifyConsistency) String() string { return "verify consistency" }

// RefreshTypes is REFRESH INFERRED COLUMN TYPES.
type RefreshTypes struct{}

func (RefreshTypes) command() {}

func (RefreshTypes) String() string { return "refresh inferred column types" }

// Rejected is RETRY or PURGE REJECTED EVENTS FOR DATA SOURCE S.
type Rejected struct {
	// Purge means that the events are removed instead of tried again.
	Purge  bool
	Source Name
}

func (Rejected) command() {}

func (c Rejected) String() string {
	verb := "retry"
	if c.Purge {
		verb = "purge"
	}
	return fmt.Sprintf("%s rejected events for data source %s", verb, c.Source)
}
