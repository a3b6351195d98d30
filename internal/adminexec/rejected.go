package adminexec

import (
	"context"
	"fmt"

	"metadb/internal/adminlang"
	"metadb/internal/datasource"
)

// rejected carries out PURGE REJECTED EVENTS. The data source need not exist:
// its rejected events stay when it is dropped.
func (e *Executor) rejected(ctx context.Context, c adminlang.Rejected) (*Result, error) {
	if !c.Purge {
		return nil, notYet(c)
	}
	tag, err := e.DB.Exec(ctx, "delete from metadb.rejected_event where source_name = $1", c.Source.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		if _, err := datasource.Load(ctx, e.DB, c.Source.Text); err != nil {
			return nil, sourceError(err, c.Source)
		}
	}
	e.log("%d rejected events of data source %q purged", tag.RowsAffected(), c.Source.Text)
	return done("PURGE REJECTED EVENTS").notice(fmt.Sprintf("%d rejected events removed", tag.RowsAffected())), nil
}

// refreshTypes carries out REFRESH INFERRED COLUMN TYPES.
func (e *Executor) refreshTypes(ctx context.Context, c adminlang.RefreshTypes) (*Result, error) {
	if e.RefreshTypes == nil {
		return nil, notYet(c)
	}
	if err := e.RefreshTypes(ctx); err != nil {
		return nil, err
	}
	return done("REFRESH INFERRED COLUMN TYPES"), nil
}
