package instance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretKey opens a sealed text with the same key only, and checks that other users can't read
// the key.
func TestSecretKey(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	key := SecretKeyIn(dir)
	sealed, err := key.Seal("gehe'im")
	if err != nil || strings.Contains(sealed, "gehe") {
		t.Fatalf("%q, %v", sealed, err)
	}
	again, err := key.Seal("gehe'im")
	if err != nil || again == sealed {
		t.Errorf("the same text is %q twice, %v", again, err)
	}
	for _, text := range []string{sealed, again} {
		if got, err := SecretKeyIn(dir).Open(text); err != nil || got != "gehe'im" {
			t.Errorf("%q, %v", got, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, secretKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := SecretKeyIn(other).Open(sealed); err == nil {
		t.Error("opened without a key")
	}
	if _, err := SecretKeyIn(other).Seal("x"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{sealed, "", "!", sealed[:8]} {
		if _, err := SecretKeyIn(other).Open(text); err == nil {
			t.Errorf("%q was opened with another key", text)
		}
	}
}
