package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// makeData makes the data folder of a new cluster: a copy of the one that is
// kept for this version of PostgreSQL, or where none is, by initdb.
func makeData(bin, dir string, who account) error {
	template, err := templateDir(bin)
	if err != nil {
		return initialize(bin, dir, who)
	}
	if _, err := os.Stat(template); errors.Is(err, fs.ErrNotExist) {
		if err := initialize(bin, dir, who); err != nil {
			return err
		}
		return keep(dir, template)
	}
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		return fmt.Errorf("copy %s: %w", template, err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("close %s to others: %w", dir, err)
	}
	return who.own(dir)
}

// templateDir names the folder in which an initialized cluster is kept.
func templateDir(bin string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w", err)
	}
	version, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	name := "postgresql"
	if fields := bytes.Fields(version); len(fields) > 2 {
		name = string(fields[2])
	}
	return filepath.Join(cache, "metadb", "pgtest", name), nil
}

func initialize(bin, dir string, who account) error {
	cmd := exec.Command(filepath.Join(bin, "initdb"), "--pgdata="+dir, "--username="+Superuser, "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	cmd.SysProcAttr = who.attributes()
	cmd.Dir = filepath.Dir(dir)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return nil
}

// keep copies a new cluster to where later runs look for it. Several tests may
// do it at once: each prepares a copy of its own, one rename wins.
func keep(dir, template string) error {
	if err := os.MkdirAll(filepath.Dir(template), 0o755); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	copied, err := os.MkdirTemp(filepath.Dir(template), "new-")
	if err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		return errors.Join(fmt.Errorf("fill the cache: %w", err), os.RemoveAll(copied))
	}
	if err := os.Rename(copied, template); err != nil {
		if _, missing := os.Stat(template); missing == nil {
			return os.RemoveAll(copied)
		}
		return errors.Join(fmt.Errorf("fill the cache: %w", err), os.RemoveAll(copied))
	}
	return nil
}
