package plan

import (
	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// Plan is the schema changes that a batch needs.
type Plan struct {
	// Deltas has every table with an event in the batch, if it exists or is to be created, in
	// the order in which the batch first names them; a table that needs no change has an empty
	// Delta.
	Deltas []Delta
	// Refused has the reasons why some events can't be applied, by the index of the event.
	Refused map[int]string
	// FarPastTimes has the reasons why the times of some events can't be right, by the index of the
	// event.
	FarPastTimes map[int]string
	// Refusals has the source tables of refused events, with the reasons, each once.
	Refusals []string
	// Warnings has the lines for the log, each once in a batch.
	Warnings []string
}

// Delta is the change of one table.
type Delta struct {
	// Before is the table before the batch, nil if it is to be created.
	Before *catalog.Table
	// After is the table once the batch is committed, but for LastEnd. It is Before itself where no
	// change is needed. Its Years include those of the batch's event times.
	After *catalog.Table
	// Steps are the changes of type, in the order of the events that cause
	// them.
	Steps []TypeStep
	// KeyChanged reports that other columns identify a row after the batch.
	KeyChanged bool
	// NewFeed reports that After.Feeds has more entries than Before.Feeds.
	NewFeed bool
	// Outdated are reasons why rows of the table may have other values than at
	// the source, in the order of the events that show them.
	Outdated []Outdated
	// SegmentStarts has the indexes of events that have to start a segment of the batch: the table's events
	// before them are applied separately.
	SegmentStarts []int
}

// Outdated is a reason why rows that the table has before an event may differ from the source,
// which has changed the table without events for its rows.
type Outdated struct {
	Event  int
	Origin change.Origin
	// Reason is a text for administrators.
	Reason string
	// Harmless means that the values are right nevertheless; Logged means that a warning of the
	// plan describes the change.
	Harmless, Logged bool
}

// TypeStep is one change of a column's type. Values pass through every step in
// order, those that are stored already and those of the batch's earlier events
// alike, so that the outcome does not depend on how the stream is cut into
// batches.
type TypeStep struct {
	// Event is the index of the event before which the change happens.
	Event int
	// Column is the column's index in After.Columns.
	Column   int
	From, To change.Type
}

// IsEmpty reports whether the table stays as it is.
func (d Delta) IsEmpty() bool { return d.Before == d.After }
