package instance

// LockedDir is a data directory that this process has locked.
type LockedDir struct {
	Dir    *Dir
	Config *Config
	Lock   *Lock
}

// OpenLocked reads a data directory's configuration and locks it. The error is an
// *RunningError if another process has the lock. The caller releases the lock.
func OpenLocked(path string) (*LockedDir, error) {
	dir, err := Open(path)
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
	return &LockedDir{Dir: dir, Config: config, Lock: lock}, nil
}
