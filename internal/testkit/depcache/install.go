package depcache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// InstallOnce returns a folder into which install has installed the packages that a file pins.
// The folder is in the user's cache directory, and its name is the file's hash, so that other
// versions get another folder.
func InstallOnce(t *testing.T, file string, install func(dir string) *exec.Cmd) string {
	t.Helper()
	pinned, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(pinned)
	dir := filepath.Join(cache, "metadb", "clients", hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "part-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	t.Logf("fetching what %s names, once", file)
	if out, err := install(part).CombinedOutput(); err != nil {
		t.Fatalf("fetch what %s names: %v\n%s", file, err, out)
	}
	// Another test process may have been faster: its folder is as good.
	if err := os.Rename(part, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return dir
}

// InstallNodeModules returns a folder with node_modules, as package.json and package-lock.json
// in the folder pins pin them.
func InstallNodeModules(t *testing.T, pins string) string {
	t.Helper()
	return InstallOnce(t, filepath.Join(pins, "package-lock.json"), func(dir string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "sh", "-ec",
			`cp "$1/package.json" "$1/package-lock.json" "$0"; cd "$0"; npm ci --silent --no-audit --no-fund`, dir, pins)
	})
}
