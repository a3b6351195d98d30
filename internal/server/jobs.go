package server

import (
	"metadb/internal/server/maintenance"
)

// newJobs returns the runner of the periodic jobs.
func (s *supervisor) newJobs() *maintenance.Runner {
	return maintenance.NewRunner([]maintenance.Job{
		maintenance.NextYear(s.database),
		maintenance.PruneLog(s.database),
		maintenance.RestoreRights(s.database),
		s.analyzer.Job(),
		s.faultsJob(),
	}, s.registry.IsSynchronizing, s.logger)
}
