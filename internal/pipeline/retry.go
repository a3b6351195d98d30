package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrRestart says that the stream must be built again from the stored
// positions: what is in flight does not continue them.
var ErrRestart = errors.New("the stream starts again from the stored positions")

// decision is what follows a failure to apply a batch. A record that can't be
// applied is none: the applier sets it aside.
type decision int

const (
	// tryAgain: the same batch, after a pause. The broker or the database
	// is away, a deadlock, a lock timeout, a database that is full: all of
	// them pass, or are mended by somebody, and the stream goes on by itself.
	tryAgain decision = iota
	// restart: somebody else has moved the positions. It is also what
	// remains of a commit whose answer was lost: the batch was applied. And
	// somebody has dropped a table, which is not what the catalog in memory
	// says: it is read again.
	restart
)

// fenced is implemented by errors that say that positions have moved.
type fenced interface{ Fenced() bool }

// coded is implemented by errors of the database.
type coded interface{ SQLState() string }

// SQLSTATEs of what is not there.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	undefinedTable  = "42P01"
	undefinedColumn = "42703"
	undefinedSchema = "3F000"
)

// decide is the one place that says what follows a failure.
func decide(err error) decision {
	var f fenced
	if errors.As(err, &f) && f.Fenced() {
		return restart
	}
	var c coded
	if errors.As(err, &c) {
		switch c.SQLState() {
		case undefinedTable, undefinedColumn, undefinedSchema:
			return restart
		}
	}
	return tryAgain
}

func restartError(err error) error { return fmt.Errorf("%w: %w", ErrRestart, err) }

// pauses are the growing pauses between tries.
type pauses struct {
	first, longest, next time.Duration
}

func (p *pipeline) pauses() *pauses {
	return &pauses{first: p.FirstPause, longest: p.LongestPause, next: p.FirstPause}
}

// wait waits for the next pause, or until the context ends, which is the error.
func (p *pauses) wait(ctx context.Context) error {
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(2*p.next, p.longest)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reset begins with the first pause again.
func (p *pauses) reset() { p.next = p.first }
