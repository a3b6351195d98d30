package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/pipeline"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/checkpoint"
)

// catalogGuard keeps the catalog from being read again, and what is being
// synchronized from changing, in the middle of a batch.
type catalogGuard struct {
	*apply.Applier
	stream *stream
}

var _ pipeline.Applier = (*catalogGuard)(nil)

// Apply implements pipeline.Applier. Where the database says that something is
// not there, or there already, somebody has changed tables by hand, and where the
// positions or rows are others, somebody may have put an older database in place: tables are
// read before the next try.
func (a *catalogGuard) Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error) {
	outcome, err := a.applyGuarded(ctx, batch)
	err = a.stream.addResourceHolder(ctx, a.stream.addBlockers(ctx, a.stream.shutdown.addReason(err)))
	var refused *pgconn.PgError
	named := errors.As(err, &refused) && (slices.Contains(manualChangeClasses, refused.Code[:2]) || refused.Code == codeNoSuchSchema)
	var fault *catalog.Fault
	if named || errors.As(err, &fault) || errors.Is(err, checkpoint.ErrFenced) || errors.Is(err, apply.ErrRowGone) {
		a.stream.tables.invalidateCatalog()
	}
	return outcome, err
}

// SQLSTATEs of what somebody has changed by hand: classes about what statements name
// and about constraints, and one of another class.
var manualChangeClasses = []string{"42", "23"}

const codeNoSuchSchema = "3F000"

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
