package wire

import (
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/command"
)

// SQLSTATE codes of this package's errors.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	severityError       = "ERROR"
	severityFatal       = "FATAL"
	messageCanceled     = "canceling statement due to user request"
	messageConnectError = "the database can't be reached"
)

// clientError is an error that is sent to the client.
type clientError struct {
	severity, code, message, detail, hint, constraint string
	position                                          int
}

func (e *clientError) Error() string { return e.message }

func fatalError(code, message string) *clientError {
	return &clientError{severity: severityFatal, code: code, message: message}
}

func sessionError(code, message string) *clientError {
	return &clientError{severity: severityError, code: code, message: message}
}

// commandError converts the error of a command.
func commandError(err error) *clientError {
	e := command.AsError(err)
	return &clientError{severity: severityError, code: e.Code, message: e.Message, detail: e.Detail, hint: e.Hint, constraint: e.Constraint, position: e.Position}
}

// errorResponse returns the error as a message of the protocol, without control characters.
func (e *clientError) errorResponse() *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{
		Severity: e.severity, SeverityUnlocalized: e.severity, Code: e.code,
		Message: plainText(e.message), Detail: plainText(e.detail), Hint: plainText(e.hint), ConstraintName: plainText(e.constraint), Position: int32(e.position),
	}
}

// quoteInput quotes text of a client for a message, on one line and at most 100 bytes of it.
func quoteInput(s string) string {
	const longest = 100
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return strconv.Quote(s)
}
