package server

import "errors"

// errFailover restarts a stream after the database was unreachable: commits that it had confirmed
// may be lost.
var errFailover = errors.New("the database was away: reading the positions again")

// restartAll rebuilds every stream from the stored positions. A PostgreSQL that crashed, or a
// standby that was promoted, may have lost the last commits together with their positions, so the
// records are read again. Without the restart, only the next batch would detect the loss, which
// may be hours later.
func (s *supervisor) restartAll() {
	s.mu.Lock()
	for _, one := range s.running {
		one.restart(errFailover)
	}
	s.mu.Unlock()
	s.tables.invalidateCatalog() // waits until the current batches have been given up
}

// restart ends the stream's run, which supervise then rebuilds. It does nothing if the stream
// does not run.
func (s *stream) restart(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancelRun != nil {
		s.cancelRun(why)
	}
}
