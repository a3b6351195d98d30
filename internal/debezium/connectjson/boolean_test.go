package connectjson_test

import (
	"testing"

	"metadb/internal/change"
)

func TestBooleans(t *testing.T) {
	testColumns(t, []columnCase{
		{schemaBoolean, "true", change.Boolean, "true"},
		{schemaBoolean, "false", change.Boolean, "false"},
		{schemaBoolean, "null", change.Boolean, "NULL"},
		{schemaBoolean, "1", 0, `!column "v"`},
		{schemaBoolean, `"true"`, 0, `!column "v"`},
		{schemaBoolean, "tru", 0, "!invalid JSON"},
	})
}
