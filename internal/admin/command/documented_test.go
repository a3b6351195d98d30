package command

import (
	"testing"

	"metadb/internal/testkit/doctest"
)

// TestConfigurationPage compares docs/configuration.md with the parameters of ALTER SYSTEM, and the
// time at which a change is used.
func TestConfigurationPage(t *testing.T) {
	rows, err := doctest.TableRows("../../..", "docs/configuration.md", "## Parameters")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string][]string)
	for _, row := range rows {
		documented[doctest.Unquote(row[0])] = row
	}
	for _, p := range parameters() {
		row := documented[p.name]
		if row == nil {
			t.Errorf("the page lacks the parameter %s", p.name)
			continue
		}
		delete(documented, p.name)
		if atStart := row[3] == "start"; atStart != p.restart {
			t.Errorf("parameter %s: the page says that a change is used %q; with a restart is %t", p.name, row[3], p.restart)
		}
		if p.off && doctest.Unquote(row[1]) != valueOff {
			t.Errorf("parameter %s: the page has the default %s", p.name, row[1])
		}
	}
	for name := range documented {
		t.Errorf("the page has the parameter %s, which ALTER SYSTEM does not have", name)
	}
}
