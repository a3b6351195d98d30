package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"metadb/internal/admin/lang"
)

// countSheepCommand is COUNT SHEEP [TO N]: all that a new command consists of, beside its line in
// All. It shows its progress, and can be cancelled.
func countSheepCommand() Command {
	return Command{
		Words:   "count sheep",
		Purpose: "count sheep, one by one",
		Syntax:  "count sheep to NUMBER",
		Example: "count sheep to 3",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			p.Expect("to")
			return countSheep{number: p.Integer("a number of sheep", 16)}
		},
	}
}

type countSheep struct{ number int64 }

func (c countSheep) String() string { return fmt.Sprintf("count sheep to %d", c.number) }

// Columns implements Tabular.
func (countSheep) Columns() []Column { return textColumns("sheep") }

func (c countSheep) Run(ctx context.Context, _ *Services) (*Result, error) {
	var rows [][]any
	for i := range c.number {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		showProgress(ctx, fmt.Sprintf("%d of %d", i+1, c.number))
		rows = append(rows, []any{fmt.Sprintf("sheep %d", i+1)})
	}
	return tableResult(c.Columns(), rows), nil
}

// TestNewCommand adds a command with progress: parsing, errors, HELP, the description of its
// result, its lock and its cancellation follow from its one value.
func TestNewCommand(t *testing.T) {
	t.Parallel()
	e := New(Services{}, countSheepCommand())
	parse := func(query string) lang.Statement { return e.Parse(lang.Dialect{}, query)[0] }

	var shown []string
	ctx := WithProgress(t.Context(), func(n Notice) { shown = append(shown, n.Message) })
	counting := parse("COUNT Sheep to 2;").Command
	result, err := e.Exec(ctx, counting)
	if err != nil || result.Tag != "SELECT 2" || fmt.Sprint(result.Rows) != "[[sheep 1] [sheep 2]]" {
		t.Errorf("%+v, %v", result, err)
	}
	if strings.Join(shown, ", ") != "1 of 2, 2 of 2" {
		t.Errorf("progress: %q", shown)
	}
	if counting.String() != "count sheep to 2" || !slices.Equal(Describe(counting), textColumns("sheep")) || OnlyShows(counting) {
		t.Errorf("%v is described as %v", counting, Describe(counting))
	}
	if err := parse("count sheep two 2").Err; err == nil || err.Position != 13 || err.Hint != `did you mean "to"?` {
		t.Errorf("%+v", err)
	}
	if s := parse("count goats to 2"); !s.IsSQL() {
		t.Errorf("%v is no SQL", s.Command)
	}
	help, err := e.Exec(ctx, parse("help count").Command)
	if err != nil || fmt.Sprint(help.Rows) != "[[count sheep count sheep, one by one count sheep to NUMBER]]" {
		t.Errorf("%+v, %v", help, err)
	}

	// While another command holds the lock it waits, until it is cancelled.
	if err := e.locks[LockStreams].acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Exec(ctx, counting); !errors.Is(err, context.Canceled) {
		t.Errorf("with the lock held: %v", err)
	}
}
