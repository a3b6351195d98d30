package server

import "errors"

// errFailover says that the database has been away, and may have forgotten what it
// had confirmed.
var errFailover = errors.New("the database was away: reading the positions again")

// restartAll has every stream begin again with what the database has. A PostgreSQL
// that crashed has lost the last commits, and so has a standby that took over: they
// are read again from the positions, which were lost with them. The next batch would
// find that out; where nothing comes for hours there is none.
func (s *supervisor) restartAll() {
	s.mu.Lock()
	for _, one := range s.running {
		one.restart(errFailover)
	}
	s.mu.Unlock()
	s.tables.invalidateCatalog() // when the batches in hand have been given up
}

// restart has the stream be built again, if it runs.
func (s *stream) restart(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancelRun != nil {
		s.cancelRun(why)
	}
}
