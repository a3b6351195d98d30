package command_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
)

var update = flag.Bool("update", false, "write the list of commands into docs/admin.md")

// TestPage checks that docs/admin.md lists the commands as their values say.
func TestPage(t *testing.T) {
	t.Parallel()
	const (
		file  = "../../../docs/admin.md"
		begin = "<!-- \"make command-page\" writes this list of commands -->\n\n"
		end   = "\n<!-- end of the list -->\n"
	)
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(written), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatal("docs/admin.md lacks the marks of the list of commands")
	}
	page := before + begin + commandTable(command.All()) + end + after
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != string(written) {
		t.Errorf("docs/admin.md does not list the commands that there are: run \"make command-page\"; the list has to be\n%s", commandTable(command.All()))
	}
}

// commandTable returns the commands as a Markdown table.
func commandTable(commands []command.Command) string {
	var b strings.Builder
	b.WriteString("| command | what it does | example |\n|---|---|---|\n")
	code := func(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }
	for _, c := range commands {
		purpose := c.Purpose
		if c.Page != "" {
			purpose += ": [more](" + c.Page + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(c.Syntax), purpose, code(c.Example))
	}
	return b.String()
}

// TestExamples checks that the example of each command is that command.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, c := range command.All() {
		statements := command.NewGrammar([]command.Command{c}).Parse(lang.Dialect{}, c.Example)
		if len(statements) != 1 || statements[0].Command == nil {
			t.Errorf("%s: the example %q is no such command: %+v", c.Words, c.Example, statements)
			continue
		}
		if !strings.HasPrefix(c.Syntax, c.Words) || !strings.HasPrefix(statements[0].Command.String(), c.Words) || c.Purpose == "" {
			t.Errorf("%s: syntax %q, example %s, purpose %q", c.Words, c.Syntax, statements[0].Command, c.Purpose)
		}
	}
}
