//go:build e2e

package e2e

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

// fetchJars returns a folder with the jars that pom.xml names. Maven fetches them the first
// time. They stay in the user's cache directory, under the hash of pom.xml, so that other
// versions get another folder.
func fetchJars(t *testing.T) string {
	t.Helper()
	pom, err := os.ReadFile("pom.xml")
	if err != nil {
		t.Fatalf("read pom.xml: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("find the cache directory: %v", err)
	}
	sum := sha256.Sum256(pom)
	lib := filepath.Join(cache, "metadb", "e2e", hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(lib); err == nil {
		return lib
	}
	if err := os.MkdirAll(filepath.Dir(lib), 0o755); err != nil {
		t.Fatalf("make the cache directory: %v", err)
	}
	part, err := os.MkdirTemp(filepath.Dir(lib), "part-")
	if err != nil {
		t.Fatalf("make a folder for the jars: %v", err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	t.Log("fetching the jars of Kafka and Debezium with Maven, once")
	maven := exec.CommandContext(t.Context(), "mvn", "-q", "-B", "-f", "pom.xml", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+part)
	if out, err := maven.CombinedOutput(); err != nil {
		t.Fatalf("fetch jars with Maven: %v\n%s", err, out)
	}
	// Another test process may have been faster: its folder is as good.
	if err := os.Rename(part, lib); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatalf("keep the jars: %v", err)
	}
	return lib
}
