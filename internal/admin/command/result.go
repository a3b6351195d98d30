package command

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
)

// Result is what a command answers.
type Result struct {
	// Columns is nil for a command that returns no rows.
	Columns []Column
	// Rows hold a string, an int64, a time.Time or nil for each column.
	Rows [][]any
	// Tag is the command tag: "CREATE DATA SOURCE", "SELECT 3".
	Tag     string
	Notices []Notice
}

// Column describes a column of a result.
type Column struct {
	Name string
	// OID is the type's, one that pgtype knows.
	OID uint32
}

// Severity is the severity of a notice, as PostgreSQL writes it.
type Severity string

// The severities that are used.
const (
	SeverityNotice  Severity = "NOTICE"
	SeverityWarning Severity = "WARNING"
)

// Notice is a message beside the result.
type Notice struct {
	Severity Severity
	// Code is the SQLSTATE, a success or warning class.
	Code    string
	Message string
	Hint    string
}

// tagResult is the result of a command without rows.
func tagResult(tag string) *Result { return &Result{Tag: tag} }

// messageRestart is the notice of a change that the running server does not use.
const messageRestart = "the server must be restarted for the change to take effect"

// addNotice adds a notice, and returns the result.
func (r *Result) addNotice(message string) *Result {
	r.Notices = append(r.Notices, Notice{Severity: SeverityNotice, Code: "00000", Message: message})
	return r
}

// addHint gives the last notice a hint, and returns the result.
func (r *Result) addHint(hint string) *Result {
	r.Notices[len(r.Notices)-1].Hint = hint
	return r
}

// addWarning adds a warning, and returns the result.
func (r *Result) addWarning(message string) *Result {
	r.Notices = append(r.Notices, Notice{Severity: SeverityWarning, Code: "01000", Message: message})
	return r
}

// tableResult is a result with rows.
func tableResult(columns []Column, rows [][]any) *Result {
	return &Result{Columns: columns, Rows: rows, Tag: fmt.Sprintf("SELECT %d", len(rows))}
}

// textColumns describes columns of type text.
func textColumns(names ...string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, OID: pgtype.TextOID}
	}
	return columns
}
