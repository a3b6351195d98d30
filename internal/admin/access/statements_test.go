package access

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStatementsAreListed compares the statements of the administrator with those that
// docs/security.md lists.
func TestStatementsAreListed(t *testing.T) {
	page, err := os.ReadFile("../../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	_, section, _ := strings.Cut(string(page), "## Statements that need more")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, code := range regexp.MustCompile("`([A-Z][^`]*)`").FindAllStringSubmatch(section, -1) {
		listed[begin(code[1])] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "administrator.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`^[A-Z]{3,} `).MatchString(text) && !strings.HasPrefix(text, "SELECT") {
			said[begin(text)] = true
			if !listed[begin(text)] {
				t.Errorf("docs/security.md does not list %s", text)
			}
		}
		return true
	})
	for statement := range listed {
		if !said[statement] {
			t.Errorf("docs/security.md lists %s, which is nowhere", statement)
		}
	}
	if len(said) < 10 {
		t.Errorf("found %d statements only", len(said))
	}
}

// begin returns the keywords at the beginning of a statement.
func begin(statement string) string {
	words := strings.Fields(statement)
	switch words[0] {
	case "GRANT", "REVOKE":
		return words[0]
	}
	return words[0] + " " + words[1]
}
