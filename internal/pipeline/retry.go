package pipeline

import (
	"errors"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// ErrRestart is the error when the stream must be rebuilt from the stored
// positions: the events in memory do not continue them.
var ErrRestart = errors.New("the stream starts again from the stored positions")

// failureAction is the reaction to a failure of applying a batch. A record that can't
// be applied is no failure: the applier rejects it.
type failureAction int

const (
	// retryBatch: the same batch, after a pause. The broker or the database
	// is away, a deadlock, a lock timeout, a full disk: all of them pass, or
	// an administrator removes the cause, and the stream continues by itself.
	retryBatch failureAction = iota
	// rebuildStream: the stored positions are not the expected ones. Another
	// server has moved them, or the answer to a commit was lost and the batch
	// was applied. Also if a table, column or schema that the server needs is
	// missing.
	rebuildStream
)

// fencedError is implemented by errors of the fence on stored positions.
type fencedError interface{ Fenced() bool }

// decide is the one place that chooses the reaction to a failure.
func decide(err error) failureAction {
	var f fencedError
	if errors.As(err, &f) && f.Fenced() {
		return rebuildStream
	}
	if _, stuck := tableAtFault(err); !stuck && pgcode.Is(err, pgcode.UndefinedTable, pgcode.UndefinedColumn, pgcode.InvalidSchemaName) {
		return rebuildStream
	}
	return retryBatch
}

func rebuildError(err error) error { return fmt.Errorf("%w: %w", ErrRestart, err) }

// tableError is implemented by errors that name the table in which a batch failed.
type tableError interface{ Table() change.Table }

// tableOnlyError is implemented by errors that report whether they concern their table alone:
// the disk of the table's own tablespace, its rows, or a change of the table by hand.
type tableOnlyError interface{ IsTableOnly() bool }

// refusedTableError is implemented by errors that report whether a table is refused and the
// source has no other one.
type refusedTableError interface{ Refused() bool }

// isRefusedTable reports whether a failure is that of a source with refused tables only.
func isRefusedTable(err error) bool {
	var r refusedTableError
	return errors.As(err, &r) && r.Refused()
}

// tableAtFault returns the table that prevents a batch from being applied, if the
// cause lies in one table: its lock, its schema, or objects that depend on it. A failure
// of the database as a whole has no such table.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func tableAtFault(err error) (change.Table, bool) {
	var t tableError
	if !errors.As(err, &t) {
		return change.Table{}, false
	}
	var own tableOnlyError
	if errors.As(err, &own) && own.IsTableOnly() {
		return t.Table(), true
	}
	if pgcode.Is(err, pgcode.DeadlockDetected) {
		return t.Table(), true // readers that wait for the batch may cause a deadlock each time
	}
	switch pgcode.Class(pgcode.Of(err)) {
	case "", pgcode.ClassConnectionException, pgcode.ClassInvalidTransactionState, pgcode.ClassTransactionRollback,
		pgcode.ClassInsufficientResources, pgcode.ClassOperatorIntervention, pgcode.ClassSystemError,
		pgcode.ClassConfigurationFile, pgcode.ClassInternalError:
		return change.Table{}, false
	}
	return t.Table(), true
}
