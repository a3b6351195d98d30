package lang_test

import (
	"testing"
)

// TestDeallocates distinguishes DEALLOCATE of a name from all other statements.
func TestDeallocates(t *testing.T) {
	t.Parallel()
	tests := []struct{ query, name string }{
		{"deallocate a", "a"},
		{" /* é */ DEALLOCATE -- x\n  Ab ;", "ab"},
		{`deallocate prepare "A ""b";`, `A "b`},
		{"deallocate prepare", "prepare"},
		{"deallocate prepare prepare", "prepare"},
		{`deallocate "all"`, "all"},
		{"deallocate all", ""},
		{"deallocate prepare all", ""},
		{"deallocate", ""},
		{"deallocate a b", ""},
		{"deallocate 'a'", ""},
		{`deallocate "a`, ""},
		{"deallocate 1", ""},
		{"discard all", ""},
		{"select deallocate a", ""},
	}
	for _, test := range tests {
		statements := parse(test.query)
		if len(statements) != 1 {
			t.Fatalf("%s: %d statements", test.query, len(statements))
		}
		name, ok := statements[0].Deallocates(test.query)
		if name != test.name || ok != (test.name != "") {
			t.Errorf("%s: %q, %v, want %q", test.query, name, ok, test.name)
		}
	}
}
