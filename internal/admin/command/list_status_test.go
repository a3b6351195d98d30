package command

import (
	"reflect"
	"testing"

	"metadb/internal/observe/status"
)

// TestStatusColumns checks that the columns of "list status" are the fields of status.Line, which
// /status has as JSON.
func TestStatusColumns(t *testing.T) {
	columns, line := listStatus{}.Columns(), reflect.TypeFor[status.Line]()
	if len(columns) != line.NumField() {
		t.Fatalf("%d columns, %d fields", len(columns), line.NumField())
	}
	for i, column := range columns {
		if name := line.Field(i).Tag.Get("json"); name != column.Name {
			t.Errorf("column %d is %s, the field %s", i, column.Name, name)
		}
	}
}
