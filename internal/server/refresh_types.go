package server

import (
	"context"

	"metadb/internal/resync"
)

// refreshTypes infers the types of the columns of all tables. The streams go on
// but for the moments in which a table is changed.
func (s *streams) refreshTypes(ctx context.Context) error {
	if err := s.tables.reload(ctx, s.pool); err != nil {
		return err
	}
	db, err := connect(ctx, s.config, s.config.SystemUser)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
		defer cancel()
		_ = db.Close(ctx)
	}()
	return resync.InferTypes(ctx, db, s.tables.store, resync.Inference{Logger: s.logger, Patience: onlinePatience, Exclusively: s.tables.exclusively})
}
