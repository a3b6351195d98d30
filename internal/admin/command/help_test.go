package command_test

import (
	"strings"
	"testing"
)

// TestHelp checks that HELP lists the commands, and that every entry is a command.
func TestHelp(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("help drop data", "drop data source|remove")
	f.expect("help me", `42704 there is no command "me" (6) valid ones are: create, alter, drop,`)
	f.expect("help drup data", `42704 there is no command "drup data" (6) did you mean "drop data"?`)
	f.expect("help Create Usr", `42704 there is no command "create usr" (6) did you mean "create user"?`)
	f.expect("help drop user anna", `42704 there is no command "drop user anna" (6) did you mean "drop user"?`)
	f.expect("help verify", "verify consistency|look for damage in the tables")
	result, err := f.Exec(t.Context(), f.parse("help")[0].Command)
	if err != nil || len(result.Rows) == 0 {
		t.Fatal(result, err)
	}
	for _, row := range result.Rows {
		syntax, _, _ := strings.Cut(row[2].(string), " [")
		if statements := f.parse(syntax); statements[0].IsSQL() {
			t.Errorf("%s is no command", syntax)
		}
	}
}
