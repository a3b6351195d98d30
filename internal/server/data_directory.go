package server

import "metadb/internal/instance"

// openedDirectory is a data directory that this process has locked.
type openedDirectory struct {
	dir    *instance.Dir
	config *instance.Config
	lock   *instance.Lock
}

// openDataDir reads a data directory's configuration and locks it. The error is an
// *instance.RunningError if another process has the lock. The caller releases the lock.
func openDataDir(path string) (*openedDirectory, error) {
	dir, err := instance.Open(path)
	if err != nil {
		return nil, err
	}
	if err := dir.Protected(); err != nil {
		return nil, err
	}
	config, err := dir.Config()
	if err != nil {
		return nil, err
	}
	lock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	return &openedDirectory{dir: dir, config: config, lock: lock}, nil
}
