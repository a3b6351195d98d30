package apply

import (
	"fmt"

	"metadb/internal/change"
)

// tableError is the error of a batch that failed in a table. The table is the one of the events,
// also if one of its transformed tables is the cause.
type tableError struct {
	table change.Table
	err   error
	// tableOnly is set if the error concerns this table only: a tablespace other than the
	// database's own is full, or the table has a fault (isTableFault).
	tableOnly bool
}

func (e *tableError) Error() string { return fmt.Sprintf("apply batch to %s: %v", e.table, e.err) }

// Unwrap returns the cause.
func (e *tableError) Unwrap() error { return e.err }

// Table returns the name of the table.
func (e *tableError) Table() change.Table { return e.table }

// IsTableOnly reports whether the error concerns this table only, so that other tables can be
// applied without it.
func (e *tableError) IsTableOnly() bool { return e.tableOnly }
