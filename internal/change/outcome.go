package change

import "time"

// Outcome is the result of applying a batch.
type Outcome struct {
	// Applied counts the events that were applied, Rejected the rejected ones.
	Applied, Rejected int
	// ByReason counts the rejected events by RejectKind.
	ByReason [BlockedByOther + 1]int
	// Tables counts the effects on the rows of each table. Transformed tables
	// are not included.
	Tables map[Table]TableStats
	// ByOp counts the applied events by Op.
	ByOp [Reject + 1]int
	// SchemaChanges counts the tables that were created or altered.
	SchemaChanges int
	// Timings has the durations of the steps.
	Timings Timings
	// Written counts new row versions, Ended versions that were ended,
	// Confirmed the ids confirmed in a resynchronization.
	Written, Ended, Confirmed int
	// ConfirmedByChange counts those of the confirmed ids that streamed changes have
	// confirmed, perhaps not for the first time.
	ConfirmedByChange int
	// Rejections describe the first few rejected events of each batch, for the
	// log.
	Rejections []Rejection
	// Missing are gaps of events of refused tables: they were counted and not stored.
	Missing []Gap
	// Refusals name source tables with events that can't be applied, and the
	// reasons: for the status, and for the log once in a run.
	Refusals []string
	// Warnings are lines for the log.
	Warnings []string
	// Columns are notes about columns, for the log once in a run.
	Columns []ColumnNote
}

// ColumnNote is a note about a column of a table.
type ColumnNote struct {
	Table Table
	Note
}

// Timings has the durations of the steps of applying a batch.
type Timings struct{ Plan, Apply, Commit time.Duration }
