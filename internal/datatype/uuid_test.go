package datatype_test

import (
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

func TestCanonicalUUID(t *testing.T) {
	for text, want := range map[string]bool{
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11":   true,
		"00000000-0000-0000-0000-000000000000":   true,
		"A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11":   false,
		"a0eebc999c0b4ef8bb6d6bb9bd380a11":       false,
		"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}": false,
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1":    false,
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g":   false,
		"a0eebc99-9c0b-4ef8-bb6d6-bb9bd380a11":   false,
		"":                                       false,
	} {
		if got := datatype.CanonicalUUID([]byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestAppendUUID(t *testing.T) {
	for text, want := range map[string]string{
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
		"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
	} {
		value, err := datatype.AppendUUID(nil, []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := format(t, change.UUID, value); got != want {
			t.Errorf("%q: got %s", text, got)
		}
	}
	for _, text := range []string{"", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc99+9c0b-4ef8-bb6d-6bb9bd380a11"} {
		if _, err := datatype.AppendUUID(nil, []byte(text)); err == nil {
			t.Errorf("%q was taken for a UUID", text)
		}
	}
}
