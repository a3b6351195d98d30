package pipeline

import (
	"context"
	"fmt"

	"metadb/internal/pipeline/batch"
	"metadb/internal/target/pgcode"
)

// DefaultMaxYears is the default number of years of a table's events in one batch.
const DefaultMaxYears = 20

// failuresToReduceYears is the number of failures for lack of locks after which batches have
// fewer years.
const failuresToReduceYears = 3

// YearsError is the error of a batch with events of several years that takes more locks than
// available. It wraps ErrRestart: the stream must be rebuilt with Years as Config.MaxYears.
type YearsError struct {
	Years int
	err   error
}

func (e *YearsError) Error() string {
	return fmt.Sprintf("batches have events of %d years of a table at most from now on: %v", e.Years, e.err)
}

// Unwrap returns ErrRestart and the cause.
func (e *YearsError) Unwrap() []error { return []error{ErrRestart, e.err} }

// applyHalf applies the first half of a batch's lanes, if the failure is the lack of memory
// for locks. It reports whether it did. A batch of one lane fails with a YearsError instead.
func (p *pipeline) applyHalf(ctx context.Context, b *batch.Batch, failure error) (bool, error) {
	if !pgcode.Is(failure, pgcode.OutOfMemory) {
		return false, nil
	}
	part := b.SplitOffLanes((len(b.Lanes()) + 1) / 2)
	if part == nil {
		return false, reduceYears(b, failure)
	}
	return true, p.applyWithRetry(ctx, part)
}

// reduceYears returns a YearsError if a batch of one lane has failed several times and has
// events of several years. Otherwise it returns nil, and the same batch is retried.
func reduceYears(b *batch.Batch, failure error) error {
	years := b.CountYears()
	if b.LockFailures++; b.LockFailures < failuresToReduceYears || years < 2 {
		return nil
	}
	return &YearsError{Years: years / 2, err: failure}
}
