package doctest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/dependencies.md")

// licences are the permitted licences of the modules linked into metadb, with a phrase of each.
var licences = []struct{ name, phrase string }{
	{"Apache-2.0", "Apache License"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"BSD-3-Clause", "Neither the name of"},
}

// TestDependencies compares docs/dependencies.md with the modules that are linked into metadb
// and their licences, which must be among the permitted ones.
func TestDependencies(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}} {{.Dir}}{{end}}", "metadb/cmd/metadb")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	var page strings.Builder
	page.WriteString(`# Dependencies

What is linked into ` + "`metadb`" + `, with its licence. Metadb itself is under the Apache License 2.0. ` + "`make licences`" + `
writes this page, and a test holds it; ` + "`make vulnerabilities`" + ` asks Go's database of vulnerabilities about them; so does
` + "`.ci/run`" + `, which says so where the database can't be reached. Where there is a mirror of it,
` + "`scripts/vulnerabilities -db https://mirror.example.org` or `-db file:///srv/vulndb`" + ` asks that.

| module | version | licence |
|---|---|---|
`)
	for _, line := range slices.Compact(lines) {
		fields := strings.Fields(line)
		if len(fields) == 3 {
			page.WriteString("| " + fields[0] + " | " + fields[1] + " | " + licence(t, fields[0], fields[2]) + " |\n")
		}
	}
	const file = "../../../docs/dependencies.md"
	if *update {
		if err := os.WriteFile(file, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != page.String() {
		t.Errorf("docs/dependencies.md is not what is linked: run \"make licences\"; it has to be\n%s", page.String())
	}
}

// licence returns the names of a module's licences, several if parts of it differ.
func licence(t *testing.T, module, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "LICEN[SC]E*"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no licence: %v", module, err)
		return ""
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range licences {
		if strings.Contains(string(text), one.phrase) {
			names = append(names, one.name)
		}
	}
	if len(names) == 0 {
		t.Errorf("%s has a licence that nobody has looked at: %.200s", module, text)
	}
	return strings.Join(names, ", ")
}
