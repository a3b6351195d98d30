package ddl

import (
	"errors"
	"testing"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

func TestChangeError(t *testing.T) {
	column := func(name string, kind change.Type) catalog.Column {
		return catalog.Column{Column: change.Column{Name: name, Type: kind}, Stored: ident.Name(name)}
	}
	table := func(years []int, columns ...catalog.Column) *catalog.Table {
		return &catalog.Table{Name: change.Table{Schema: "hr", Name: "department"}, Columns: columns, Years: years}
	}
	id, wide, head, born := column("id", change.Integer), column("id", change.BigInt), column("head", change.Text), column("Born", change.Date)
	years := []int{2026}
	before := table(years, id)
	for want, delta := range map[string]plan.Delta{
		"is made":                           {After: before},
		"gets a new column (head)":          {Before: before, After: table(years, id, head)},
		"gets new columns (head, Born)":     {Before: before, After: table(years, wide, head, born)},
		"gets another type for column id":   {Before: before, After: table(years, wide)},
		"gets another key":                  {Before: before, After: before, KeyChanged: true},
		"gets a partition for another year": {Before: before, After: table([]int{2026, 2027}, id)},
		"is changed":                        {Before: before, After: before},
	} {
		e := &ChangeError{Delta: delta, err: errors.New("no")}
		if got := e.Purpose(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
