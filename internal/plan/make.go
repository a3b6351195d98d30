package plan

import (
	"metadb/internal/catalog"
	"metadb/internal/change"
)

// Make returns what the events of a batch need, given the tables that exist.
// source is the data source that the events come from.
func Make(source string, events []change.Event, snap *catalog.Snapshot) *Plan {
	return &Plan{}
}
