package command

import (
	"context"
	"fmt"

	"metadb/internal/admin/lang"
)

// Command is a command of the administration port: its syntax, its help and its effect. Parsing,
// HELP and the list of commands in docs/admin.md follow from it.
type Command struct {
	// Words are the keywords that the command begins with: "create data source".
	Words string
	// Title is the command's name in HELP, if that is not Words.
	Title string
	// Claim and Claims decide which statements are commands: see [lang.Form].
	Claim  string
	Claims func(*lang.Head) bool

	// Purpose, Syntax and Example are shown by HELP and by docs/admin.md. Example is one statement.
	Purpose, Syntax, Example string
	// Page is the page of docs with the explanation, or #anchor of docs/admin.md; it may be empty.
	Page string

	// Lock is held while the command runs.
	Lock Lock
	// OnlyShows means that the command is logged at level debug, since it changes nothing and takes
	// no time.
	OnlyShows bool

	// Parse reads the rest of the command, behind Words.
	Parse func(*lang.Parser) Statement
}

// Statement is a parsed command. Its String is the command in a canonical form without secrets,
// which may be logged.
type Statement interface {
	fmt.Stringer
	// Run carries out the command. [Executor.Exec] converts no error: its callers do, with
	// [AsError].
	Run(ctx context.Context, srv *Services) (*Result, error)
}

// Tabular is a Statement that may return rows.
type Tabular interface {
	Statement
	// Columns returns the columns of the result, nil if it has no rows.
	Columns() []Column
}

// Call is a statement with its command.
type Call struct {
	command   *Command
	statement Statement
}

// String implements lang.Command.
func (c Call) String() string { return c.statement.String() }

// title returns the command's name in HELP.
func (c *Command) title() string {
	if c.Title != "" {
		return c.Title
	}
	return c.Words
}

// form returns the command's syntax.
func (c *Command) form() lang.Form {
	return lang.Form{
		Words: c.Words, Claim: c.Claim, Claims: c.Claims,
		Parse: func(p *lang.Parser) lang.Command { return Call{command: c, statement: c.Parse(p)} },
	}
}

// Describe returns the columns of a command's result, nil if it returns no rows.
func Describe(parsed lang.Command) []Column {
	if call, ok := parsed.(Call); ok {
		if rows, ok := call.statement.(Tabular); ok {
			return rows.Columns()
		}
	}
	return nil
}

// OnlyShows reports whether a parsed command changes nothing and takes no time.
func OnlyShows(parsed lang.Command) bool {
	call, ok := parsed.(Call)
	return ok && call.command.OnlyShows
}
