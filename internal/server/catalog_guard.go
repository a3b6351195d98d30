package server

import (
	"context"
	"errors"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/pgcode"
)

// catalogGuard holds the catalog's read lock while a batch is applied, so that neither the
// catalog nor the scope of a synchronization changes in the middle of it.
type catalogGuard struct {
	*apply.Applier
	stream *stream
}

var _ pipeline.Applier = (*catalogGuard)(nil)

// Apply implements pipeline.Applier. It invalidates the catalog, which is then read before the
// next try, after two kinds of errors: an object is missing or already exists, so tables were
// changed by hand; or positions or rows differ from the expected ones, so the database may have
// been replaced by an older one.
func (a *catalogGuard) Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error) {
	outcome, err := a.applyGuarded(ctx, batch)
	err = a.stream.addResourceHolder(ctx, a.stream.addBlockers(ctx, a.stream.shutdown.AddReason(err)))
	var fault *catalog.Fault
	if isManualChange(err) || errors.As(err, &fault) || errors.Is(err, checkpoint.ErrFenced) || errors.Is(err, apply.ErrRowGone) {
		a.stream.tables.invalidateCatalog()
	}
	return outcome, err
}

// isManualChange reports whether PostgreSQL's error may be due to a change of tables by hand: it
// concerns a name or an integrity constraint.
func isManualChange(err error) bool {
	switch code := pgcode.Of(err); pgcode.Class(code) {
	case pgcode.ClassSyntaxErrorOrAccessRule, pgcode.ClassIntegrityConstraintViolation:
		return true
	default:
		return code == pgcode.InvalidSchemaName
	}
}

func (a *catalogGuard) applyGuarded(ctx context.Context, batch *change.Batch) (change.Outcome, error) {
	if err := a.stream.tables.beginUse(ctx, a.stream.pool); err != nil {
		return change.Outcome{}, err
	}
	defer a.stream.tables.use.RUnlock()
	if err := a.stream.markConfirming(ctx, batch); err != nil {
		return change.Outcome{}, err
	}
	outcome, err := a.Applier.Apply(ctx, batch)
	if err == nil {
		a.stream.observeAttempts(ctx, batch)
		a.stream.metrics.Applied(batch.Source, len(batch.Events), outcome)
		a.stream.incrementals.noteRows(batch, time.Now())
	}
	return outcome, err
}
