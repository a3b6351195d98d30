package instance

import (
	"testing"

	"metadb/internal/testkit/doctest"
)

// TestConfigurationPage compares docs/configuration.md with the keys of metadb.conf and their defaults.
func TestConfigurationPage(t *testing.T) {
	rows, err := doctest.TableRows("../..", "docs/configuration.md", "## metadb.conf")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]string)
	for _, row := range rows {
		documented[doctest.Unquote(row[0])] = doctest.Unquote(row[1])
	}
	for _, key := range configKeys {
		got, found := documented[key.name]
		if !found || got != key.value {
			t.Errorf("key %s: the page has the default %q (%t), the program %q", key.name, got, found, key.value)
		}
		delete(documented, key.name)
	}
	for key := range documented {
		t.Errorf("the page has the key %s, which metadb.conf does not have", key)
	}
	for _, variable := range []string{SuperuserPasswordVariable, SystemUserPasswordVariable} {
		rows, err := doctest.TableRows("../..", "docs/configuration.md", "## Environment")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, row := range rows {
			found = found || doctest.Unquote(row[0]) == variable
		}
		if !found {
			t.Errorf("the page lacks the variable %s", variable)
		}
	}
}
