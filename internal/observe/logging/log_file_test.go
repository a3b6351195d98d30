package logging

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadb.log")
	file, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(NewHandler(file, slog.LevelInfo))
	log.Info("before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log.Info("moved")
	if err := file.Reopen(); err != nil {
		t.Fatal(err)
	}
	log.Info("after")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{path + ".1": {"before", "moved"}, path: {"after"}} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != len(want) {
			t.Errorf("%s: %q", name, lines)
			continue
		}
		for i := range want {
			if !strings.HasSuffix(lines[i], "INFO:  "+want[i]) {
				t.Errorf("%s: %q", name, lines[i])
			}
		}
	}
}
