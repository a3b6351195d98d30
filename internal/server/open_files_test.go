package server

import (
	"strings"
	"testing"
)

func TestFewFiles(t *testing.T) {
	for allowed, want := range map[uint64]string{64: "may have 64 files and connections open", 1023: "1023", 1024: "", 1 << 30: ""} {
		if got := lowFileLimitText(allowed); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%d: %q", allowed, got)
		}
	}
}
