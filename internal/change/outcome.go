package change

import "time"

// Outcome is what became of a batch.
type Outcome struct {
	// Applied counts the events that were applied, Rejected those set aside.
	Applied, Rejected int
	// ByReason counts those set aside by what is wrong with them.
	ByReason [WaitsForOther + 1]int
	// Tables say what was done to the rows of single tables, but for those
	// that are transformed from others.
	Tables map[Table]Tally
	// ByOp counts the applied events by what they do.
	ByOp [Reject + 1]int
	// SchemaChanges counts the tables that were created or altered.
	SchemaChanges int
	// Took says where the time went.
	Took Took
	// Written counts new row versions, Ended versions that were ended,
	// Confirmed the ids confirmed in a resynchronization.
	Written, Ended, Confirmed int
	// ConfirmedByChange counts those of the confirmed ids that streamed changes have
	// confirmed, perhaps not for the first time.
	ConfirmedByChange int
	// Rejections say what was set aside and why, the first few of each
	// batch: they are for the log.
	Rejections []Rejection
	// Missing are events of refused tables that were counted and not stored.
	Missing []Gap
	// Refusals name source tables whose events can't be applied, and why:
	// for the status, and for the log once in a run.
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

// Took is how long the parts of applying a batch took.
type Took struct{ Plan, Apply, Commit time.Duration }
