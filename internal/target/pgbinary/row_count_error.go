package pgbinary

import "fmt"

// RowCountError is the error of a statement that wrote another number of rows than it should: a
// trigger or rule of the table suppressed some, or another session changes the rows.
type RowCountError struct {
	Written, Wanted int64
}

func (e *RowCountError) Error() string {
	return fmt.Sprintf("%d of %d rows were written: a trigger or rule of the table keeps the others back, or somebody else changes them", e.Written, e.Wanted)
}
