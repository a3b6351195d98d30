package status

// SetAttempts says what has become of the attempts of the snapshot that is awaited; empty
// if there has been one.
func (s *Source) SetAttempts(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Attempts = text
}

// SetUnexpectedSnapshot says that a snapshot has come while no synchronization was on; empty if none
// has, or one has begun since.
func (s *Source) SetUnexpectedSnapshot(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Stray = text
}
