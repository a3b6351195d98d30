package status

// SetAttempts sets the message about repeated attempts of the expected snapshot; empty if there is
// only one.
func (s *Source) SetAttempts(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Attempts = text
}

// SetUnexpectedSnapshot sets the message about a snapshot outside of a synchronization; empty if
// there is none, or a synchronization has begun since.
func (s *Source) SetUnexpectedSnapshot(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Stray = text
}
