package apply

import (
	"fmt"

	"metadb/internal/change"
)

// tableError says in which table a batch failed: the table that its events are
// of, also where one that is transformed from it is to blame.
type tableError struct {
	table change.Table
	err   error
	// tableOnly: it is the disk of this table's tablespace that is full, or the
	// table's rows are not what they were a moment ago.
	tableOnly bool
}

func (e *tableError) Error() string { return fmt.Sprintf("apply batch to %s: %v", e.table, e.err) }

// Unwrap returns what went wrong.
func (e *tableError) Unwrap() error { return e.err }

// Table returns the table.
func (e *tableError) Table() change.Table { return e.table }

// IsTableOnly says that the failure concerns this table alone: what the database lacks
// it lacks for it, not for those that are stored where the database is; or the
// table's rows are not what was read.
func (e *tableError) IsTableOnly() bool { return e.tableOnly }
