package ddl

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// ChangeError is the error of a failed change of a table's schema.
type ChangeError struct {
	Delta plan.Delta
	err   error
}

func (e *ChangeError) Error() string {
	return fmt.Sprintf("change the schema of table %s: %v", e.Delta.After.Name, e.err)
}

// Unwrap returns the cause.
func (e *ChangeError) Unwrap() error { return e.err }

// Purpose describes the change that failed, with the table as the subject: "gets a new column
// (head)".
func (e *ChangeError) Purpose() string {
	before, after := e.Delta.Before, e.Delta.After
	if before == nil {
		return "is made"
	}
	var added, typed []string
	for _, c := range after.Columns {
		at := slices.IndexFunc(before.Columns, func(b catalog.Column) bool { return b.Stored == c.Stored })
		switch {
		case at < 0:
			added = append(added, string(c.Stored))
		case before.Columns[at].Type != c.Type:
			typed = append(typed, string(c.Stored))
		}
	}
	switch {
	case len(added) == 1:
		return "gets a new column (" + added[0] + ")"
	case len(added) > 1:
		return "gets new columns (" + strings.Join(added, ", ") + ")"
	case len(typed) == 1:
		return "gets another type for column " + typed[0]
	case len(typed) > 1:
		return "gets other types for columns " + strings.Join(typed, ", ")
	case e.Delta.KeyChanged:
		return "gets another key"
	case len(after.Years) > len(before.Years):
		return "gets a partition for another year"
	}
	return "is changed"
}
