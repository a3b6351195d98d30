package plan

import (
	"metadb/internal/catalog"
	"metadb/internal/change"
)

// Plan is what a batch needs.
type Plan struct {
	// Deltas has every table that an event of the batch goes to and that
	// exists or is to be created, in the order in which the batch first
	// names them; a table that needs no change has an empty Delta.
	Deltas []Delta
	// Refused says for the indexes of some events why they can't be applied.
	Refused map[int]string
	// Remote says for the indexes of some events why their time can't be right.
	Remote map[int]string
	// Refusals name the source tables whose events can't be applied, with
	// the reasons, each once.
	Refusals []string
	// Warnings are for the log, each once in a batch.
	Warnings []string
}

// Delta is how one table changes.
type Delta struct {
	// Before is the table as it is, nil if it is to be created.
	Before *catalog.Table
	// After is the table as it will be when the batch is committed, but for
	// LastEnd. It is Before itself where nothing changes. Its Years include
	// those of the batch's event times.
	After *catalog.Table
	// Steps are the changes of type, in the order of the events that cause
	// them.
	Steps []Step
	// KeyChanged says that other columns identify a row from now on.
	KeyChanged bool
	// NewFeed says that After.Feeds has more than Before.Feeds.
	NewFeed bool
	// Outdated are reasons why rows of the table may have other values than at
	// the source, in the order of the events that show them.
	Outdated []Outdated
	// Cuts are the indexes of events with which a segment of the batch has to
	// begin: what becomes of the table's events before them is another matter.
	Cuts []int
}

// Outdated says why rows that the table has before an event may have other values
// than at the source, which has changed the table without events for its rows.
type Outdated struct {
	Event  int
	Origin change.Origin
	// Reason is in words for an administrator.
	Reason string
	// Harmless says that the values are right nevertheless, Logged that one of
	// the plan's warnings says what has happened.
	Harmless, Logged bool
}

// Step is one change of a column's type. Values pass through every step in
// order, those that are stored already and those of the batch's earlier events
// alike, so that the outcome does not depend on how the stream is cut into
// batches.
type Step struct {
	// Event is the index of the event before which the change happens.
	Event int
	// Column is the column's index in After.Columns.
	Column   int
	From, To change.Type
}

// Empty reports whether the table stays as it is.
func (d Delta) Empty() bool { return d.Before == d.After }
