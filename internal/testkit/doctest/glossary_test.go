package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// glossary is the page that defines the words of documentation and code.
const glossary = "docs/glossary.md"

// named matches a name of the code in a field of a table.
var named = regexp.MustCompile("`([^`]+)`")

// TestGlossary checks that the packages, types, functions and tables in the third column of the
// glossary exist, and that no term is defined twice.
func TestGlossary(t *testing.T) {
	t.Parallel()
	declared, terms := declarations(t), make(map[string]bool)
	for line := range strings.SplitSeq(contents(t, glossary), "\n") {
		fields := strings.Split(line, "|")
		if len(fields) < 6 || strings.HasPrefix(line, "|--") || strings.TrimSpace(fields[1]) == "term" {
			continue
		}
		term := strings.TrimSpace(fields[1])
		if terms[term] {
			t.Errorf("%q is defined twice", term)
		}
		terms[term] = true
		names := named.FindAllStringSubmatch(fields[3], -1)
		if len(names) == 0 {
			t.Errorf("%q names nothing in the code", term)
		}
		for _, name := range names {
			if !declared[name[1]] {
				t.Errorf("%q names %s, which does not exist", term, name[1])
			}
		}
	}
	if len(terms) < 50 {
		t.Errorf("%d terms: the test does not find them", len(terms))
	}
}

// declarations returns the names of all packages as internal/NAME, of their declarations as
// NAME.Declaration, except for tests, and of the tables of the schema metadb.
func declarations(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for _, name := range files(t, ".go") {
		if !strings.HasPrefix(name, "internal/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		found[path.Dir(name)] = true
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			for _, declared := range namesOf(declaration) {
				found[file.Name.Name+"."+declared] = true
			}
		}
	}
	table := regexp.MustCompile(`(?m)^CREATE (?:UNLOGGED )?(?:TABLE|VIEW) (metadb\.[a-z_]+)`)
	for _, name := range files(t, ".sql") {
		if !strings.Contains(name, "metaschema") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range table.FindAllSubmatch(text, -1) {
			found[string(made[1])] = true
		}
	}
	return found
}

// namesOf returns the names of the types, functions, constants and variables of a declaration,
// but not of methods.
func namesOf(declaration ast.Decl) []string {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			}
		}
		return names
	}
	return nil
}
