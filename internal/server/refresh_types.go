package server

import (
	"context"

	"metadb/internal/resync"
	"metadb/internal/target/dbsession"
)

// refreshTypes infers the column types of all tables. Batches wait only while a table is changed.
func (s *supervisor) refreshTypes(ctx context.Context) error {
	if err := s.tables.reloadCatalog(ctx, s.pool); err != nil {
		return err
	}
	db, err := dbsession.ConnectRole(ctx, s.config, s.config.SystemUser)
	if err != nil {
		return err
	}
	defer dbsession.Close(ctx, db)
	return resync.InferTypes(ctx, db, s.tables.store, resync.InferOptions{Logger: s.logger, LockTimeout: onlineLockTimeout, Exclusively: s.tables.withoutBatches})
}
