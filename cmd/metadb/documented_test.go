package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"metadb/internal/testkit/doctest"
)

// documentedFlag is a row of docs/configuration.md.
type documentedFlag struct {
	shorthand, standard string
	commands            []string
}

// TestConfigurationPage compares docs/configuration.md with the options of the command line: their
// short forms, defaults and commands.
func TestConfigurationPage(t *testing.T) {
	rows, err := doctest.TableRows("../..", "docs/configuration.md", "## Command line")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]*documentedFlag)
	for _, row := range rows {
		short, long, both := strings.Cut(row[0], ", ")
		if !both {
			short, long = "", row[0]
		}
		f := &documentedFlag{shorthand: strings.TrimPrefix(doctest.Unquote(short), "-"), standard: doctest.Unquote(row[1])}
		if row[2] == "all but `version`" {
			f.commands = commandNames("version")
		} else {
			for name := range strings.SplitSeq(row[2], ", ") {
				f.commands = append(f.commands, doctest.Unquote(name))
			}
		}
		documented[strings.TrimPrefix(doctest.Unquote(long), "--")] = f
	}
	for _, command := range newRoot().Commands() {
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			f := documented[flag.Name]
			switch {
			case flag.Name == "help":
				return
			case f == nil:
				t.Errorf("the page lacks the option --%s of %s", flag.Name, command.Name())
				return
			case !slices.Contains(f.commands, command.Name()):
				t.Errorf("the page does not say that %s has the option --%s", command.Name(), flag.Name)
			}
			f.commands = slices.DeleteFunc(f.commands, func(name string) bool { return name == command.Name() })
			if standard := strings.Replace(flag.DefValue, "false", "", 1); f.standard != standard || f.shorthand != flag.Shorthand {
				t.Errorf("option --%s: the page has %+v, the program -%s and %q", flag.Name, *f, flag.Shorthand, standard)
			}
		})
	}
	for name, f := range documented {
		if len(f.commands) > 0 {
			t.Errorf("the page says that %v have the option --%s", f.commands, name)
		}
	}
}

// commandNames returns the names of the commands but one.
func commandNames(but string) []string {
	var names []string
	for _, command := range newRoot().Commands() {
		if command.Name() != but {
			names = append(names, command.Name())
		}
	}
	return names
}
