package command

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/target/pgcode"
)

// Result is the result of a command.
type Result struct {
	// Columns is nil for a command that returns no rows.
	Columns []Column
	// Rows have a string, an int64, a time.Time or nil for each column.
	Rows [][]any
	// Tag is the command tag: "CREATE DATA SOURCE", "SELECT 3".
	Tag     string
	Notices []Notice
}

// Column describes a column of a result.
type Column struct {
	Name string
	// OID is that of the column's type, which pgtype must support.
	OID uint32
}

// Severity is the severity of a notice, as PostgreSQL writes it.
type Severity string

// These are the severities in use.
const (
	SeverityNotice  Severity = "NOTICE"
	SeverityWarning Severity = "WARNING"
)

// Notice is a message beside the result.
type Notice struct {
	Severity Severity
	// Code is the SQLSTATE, of a success or warning class.
	Code    string
	Message string
	Hint    string
}

// tagResult returns a result without rows.
func tagResult(tag string) *Result { return &Result{Tag: tag} }

// messageRestart is the notice of a change that the running server does not use.
const messageRestart = "the server must be restarted for the change to take effect"

// addNotice adds a notice, and returns the result.
func (r *Result) addNotice(message string) *Result {
	r.Notices = append(r.Notices, Notice{Severity: SeverityNotice, Code: pgcode.SuccessfulCompletion, Message: message})
	return r
}

// addHint adds a hint to the last notice, and returns the result.
func (r *Result) addHint(hint string) *Result {
	r.Notices[len(r.Notices)-1].Hint = hint
	return r
}

// addWarning adds a warning, and returns the result.
func (r *Result) addWarning(message string) *Result {
	r.Notices = append(r.Notices, Notice{Severity: SeverityWarning, Code: pgcode.Warning, Message: message})
	return r
}

// tableResult returns a result with rows.
func tableResult(columns []Column, rows [][]any) *Result {
	return &Result{Columns: columns, Rows: rows, Tag: fmt.Sprintf("SELECT %d", len(rows))}
}

// textColumns returns columns of type text.
func textColumns(names ...string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, OID: pgtype.TextOID}
	}
	return columns
}
