package doctest

import (
	"regexp"
	"testing"

	"metadb/internal/datasource"
)

const configurationPage = "docs/configuration.md"

// TestOptionsOfSources compares docs/configuration.md with the options of a data source: names,
// the default of security, and the time at which a change is used.
func TestOptionsOfSources(t *testing.T) {
	t.Parallel()
	documented := documentedRows(t, "## Data sources")
	for _, name := range datasource.Names() {
		row, found := documented[name]
		if !found {
			t.Errorf("the page lacks the option %s", name)
			continue
		}
		delete(documented, name)
		if value, _ := datasource.New("sensor").Get(name); value != "" && Unquote(row[1]) != value {
			t.Errorf("option %s: the page has the default %s, the program %s", name, row[1], value)
		}
		if live := row[3] == "at once"; live != datasource.IsLive(name) || !live && row[3] != "start" {
			t.Errorf("option %s: the page says that a change is used %q; at once is %t", name, row[3], datasource.IsLive(name))
		}
	}
	for name := range documented {
		t.Errorf("the page has the option %s, which no data source has", name)
	}
	o := datasource.New("sensor")
	for name, set := range map[string]func(string) error{
		"rejected_limit":  func(v string) error { return o.Set("rejected_limit", v) },
		"silence_warning": func(v string) error { return o.Set("silence_warning", v) },
	} {
		events, bytes := o.RejectedBounds()
		silence := o.SilenceLimit()
		if err := set(Unquote(documentedRows(t, "## Data sources")[name][1])); err != nil {
			t.Errorf("the default of %s: %v", name, err)
		}
		gotEvents, gotBytes := o.RejectedBounds()
		if gotEvents != events || gotBytes != bytes || o.SilenceLimit() != silence {
			t.Errorf("the page has another default of %s than the program", name)
		}
	}
}

// initialParameter matches a parameter in the INSERT of the schema metadb.
var initialParameter = regexp.MustCompile(`\('([a-z_]+)', '([^']*)'\)`)

// TestParametersPage compares docs/configuration.md with the values that a new database has.
func TestParametersPage(t *testing.T) {
	t.Parallel()
	documented := documentedRows(t, "## Parameters")
	found := initialParameter.FindAllStringSubmatch(contents(t, "internal/target/metaschema/sql/001_schema.sql"), -1)
	if len(found) < 5 {
		t.Fatalf("found %d parameters in the schema", len(found))
	}
	for _, parameter := range found {
		if row := documented[parameter[1]]; row == nil || Unquote(row[1]) != parameter[2] {
			t.Errorf("parameter %s has the value %q in a new database, the page says %q", parameter[1], parameter[2], row)
		}
	}
}

// documentedRows returns the rows under a heading of the page by their first cells.
func documentedRows(t *testing.T, heading string) map[string][]string {
	t.Helper()
	rows, err := TableRows(repository, configurationPage, heading)
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string][]string)
	for _, row := range rows {
		byName[Unquote(row[0])] = row
	}
	return byName
}
