package doctest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/observe/status"
)

// TestSpecificationNames checks that the specification has every option, state, command, table
// and kind of the program.
func TestSpecificationNames(t *testing.T) {
	t.Parallel()
	tables := []string{}
	for name := range declarations(t) {
		if table, found := strings.CutPrefix(name, "metadb."); found {
			tables = append(tables, table)
		}
	}
	slices.Sort(tables)
	kinds := []string{}
	for _, kind := range change.RejectKinds() {
		kinds = append(kinds, kind.String())
	}
	for _, of := range []struct {
		page, kind string
		names      []string
	}{
		{"docs/spec/07-commands.md", "option", datasource.Names()},
		{"docs/spec/07-commands.md", "state of a stream", texts(status.Streams())},
		{"docs/spec/07-commands.md", "state of a synchronization", texts(status.Syncs())},
		{"docs/spec/07-commands.md", "command", lists()},
		{"docs/spec/08-system-schema.md", "table", tables},
		{"docs/spec/08-rejected-events.md", "kind", kinds},
	} {
		if len(of.names) < 3 {
			t.Errorf("%d names of kind %s: the test does not find them", len(of.names), of.kind)
		}
		text := contents(t, of.page)
		for _, name := range of.names {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%s has no %s `%s`", of.page, of.kind, name)
			}
		}
	}
}

// lists returns the commands that show lists, from the hint of an incomplete command.
func lists() []string {
	var commands []string
	for _, quoted := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(command.NewGrammar(command.All()).Parse(lang.Dialect{}, "list")[0].Err.Hint, -1) {
		commands = append(commands, "list "+quoted[1])
	}
	return commands
}

// texts returns words as texts.
func texts[T ~string](words []T) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	return list
}
