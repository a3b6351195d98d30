package connectjson_test

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/change"
)

func TestUUIDs(t *testing.T) {
	testColumns(t, []columnCase{
		{schemaUUID, `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, change.UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{schemaUUID, `"FFFFFFFF-ffff-ffff-ffff-ffffffffffff"`, change.UUID, "ffffffff-ffff-ffff-ffff-ffffffffffff"},
		{schemaUUID, `"a0eebc99"`, 0, "!no UUID"},
		{schemaUUID, fmt.Sprintf(`%q`, strings.Repeat("x", 36)), 0, "!no UUID"},
		{schemaUUID, "5", 0, `!column "v"`},
		{schemaUUID, "null", change.UUID, "NULL"},
	})
}
