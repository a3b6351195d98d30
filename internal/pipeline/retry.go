package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metadb/internal/change"
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
	// what the server itself needs is not there.
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

// lockTimeout is that of a lock that was waited for too long, deadlock that of one whose
// holder waits for the batch in turn.
const (
	lockTimeout = "55P03"
	deadlock    = "40P01"
)

// isLock reports whether a failure is that of a lock.
func isLock(err error) bool {
	var c coded
	return errors.As(err, &c) && c.SQLState() == lockTimeout
}

// decide is the one place that says what follows a failure.
func decide(err error) decision {
	var f fenced
	if errors.As(err, &f) && f.Fenced() {
		return restart
	}
	var c coded
	if _, stuck := stuckTable(err); !stuck && errors.As(err, &c) {
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

// tabled is implemented by errors that say in which table a batch failed.
type tabled interface{ Table() change.Table }

// apart is implemented by errors that know whether they concern their table alone:
// the disk of a tablespace that the table was put in, its rows, or how somebody has
// changed it by hand.
type apart interface{ Apart() bool }

// refusedTable is implemented by errors that say that a table is refused, and that the
// source has no other.
type refusedTable interface{ Refused() bool }

// isRefused reports whether a failure is that of a source whose tables are all refused.
func isRefused(err error) bool {
	var r refusedTable
	return errors.As(err, &r) && r.Refused()
}

// stuckTable returns the table that keeps a batch from being applied, if it is
// one table that does: its lock, its schema, what somebody hung onto it. What
// concerns the database as a whole is not a table's fault.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func stuckTable(err error) (change.Table, bool) {
	var t tabled
	var c coded
	if !errors.As(err, &t) {
		return change.Table{}, false
	}
	var own apart
	if errors.As(err, &own) && own.Apart() {
		return t.Table(), true
	}
	if !errors.As(err, &c) || len(c.SQLState()) != 5 {
		return change.Table{}, false
	}
	if c.SQLState() == deadlock {
		return t.Table(), true // readers who wait for the batch may make one again and again
	}
	switch class := c.SQLState()[:2]; class {
	case "08", "25", "40", "53", "57", "58", "F0", "XX":
		// Connections, a database that is read-only, serialization, resources,
		// shutdown, files, configuration, internal errors.
		return change.Table{}, false
	}
	return t.Table(), true
}
