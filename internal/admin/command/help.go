package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// helpCommand is HELP, with the first words of a command or without.
func helpCommand(commands func() []Command) Command {
	return Command{
		Words:     "help",
		Purpose:   "show the commands, or those that begin with some words",
		Syntax:    "help [COMMAND]",
		Example:   "help create user",
		OnlyShows: true,
		Parse: func(p *lang.Parser) Statement {
			return help{Words: p.Words("the first words of a command"), commands: commands()}
		},
	}
}

type help struct {
	Words []lang.Name
	// commands has all commands.
	commands []Command
}

func (c help) String() string {
	s := "help"
	for _, w := range c.Words {
		s += " " + w.String()
	}
	return s
}

// Columns implements Tabular.
func (help) Columns() []Column { return textColumns("command", "purpose", "syntax") }

// Run lists every command, or those that begin with the words given.
func (c help) Run(context.Context, *Services) (*Result, error) {
	words := make([]string, len(c.Words))
	for i, w := range c.Words {
		words[i] = w.Text
	}
	begin := strings.Join(words, " ")
	var rows [][]any
	var beginnings []string
	for _, t := range c.commands {
		if strings.HasPrefix(t.title()+" ", begin) {
			rows = append(rows, []any{t.title(), t.Purpose, t.Syntax})
		}
		// The suggestion compares beginnings of equal length: "drup data" is close to "drop data",
		// but not to any whole command.
		all := strings.Fields(t.title())
		beginning := strings.Join(all[:min(len(words), len(all))], " ")
		if !slices.Contains(beginnings, beginning) {
			beginnings = append(beginnings, beginning)
		}
	}
	if len(rows) == 0 {
		return nil, &Error{
			Code: pgcode.UndefinedObject, Message: fmt.Sprintf("there is no command \"%s\"", begin),
			Hint: lang.Suggest(begin, beginnings), Position: c.Words[0].At,
		}
	}
	return tableResult(c.Columns(), rows), nil
}
