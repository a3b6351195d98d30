package command

import (
	"context"

	"metadb/internal/admin/lang"
)

// refreshTypes executes REFRESH INFERRED COLUMN TYPES.
func (e *Executor) refreshTypes(ctx context.Context, c lang.RefreshTypes) (*Result, error) {
	if e.RefreshTypes == nil {
		return nil, notSupportedError(c)
	}
	if err := e.RefreshTypes(ctx); err != nil {
		return nil, err
	}
	return tagResult("REFRESH INFERRED COLUMN TYPES"), nil
}
