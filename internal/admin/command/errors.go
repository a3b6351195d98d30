package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// Error is the error of a command, with the fields that PostgreSQL's clients show.
type Error struct {
	// Code is the SQLSTATE.
	Code    string
	Message string
	Detail  string
	Hint    string
	// Constraint is the name of the rule that a program can satisfy, as RuleUnconfirmed; usually
	// empty. PostgreSQL's protocol has a field for it, with the name of a constraint.
	Constraint string
	// Position is in characters of the query string, from 1; 0 if the error has no position.
	Position int
}

func (e *Error) Error() string { return e.Message }

// AsError converts any error of this package, of the parser or of the database to the fields that a
// client shows.
func AsError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var syntax *lang.Error
	if errors.As(err, &syntax) {
		return &Error{Code: syntax.Code, Message: syntax.Message, Hint: syntax.Hint, Position: syntax.Position}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// The position refers to a statement that the client did not send.
		return &Error{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint}
	}
	var connect *pgconn.ConnectError
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{Code: pgcode.QueryCanceled, Message: "canceling statement due to user request"}
	case errors.As(err, &connect):
		return &Error{
			Code: pgcode.ConnectionFailure, Message: "the database can't be reached: " + connect.Error(),
			Hint: "check that the database runs; \"list status\" works without it",
		}
	}
	return &Error{Code: pgcode.InternalError, Message: err.Error()}
}

// notSupportedError returns the error for a command that this version does not support.
func notSupportedError(command lang.Command) *Error {
	return &Error{Code: pgcode.FeatureNotSupported, Message: fmt.Sprintf("not in this version: %s", command)}
}

// missingError returns the error for a name of an object that does not exist.
func missingError(kind string, name lang.Name) *Error {
	return &Error{
		Code: pgcode.UndefinedObject, Message: fmt.Sprintf("%s \"%s\" does not exist", kind, name.Text), Position: name.At,
	}
}

// duplicateError returns the error for a name of an object that exists already.
func duplicateError(kind string, name lang.Name) *Error {
	return &Error{
		Code: pgcode.DuplicateObject, Message: fmt.Sprintf("%s \"%s\" already exists", kind, name.Text), Position: name.At,
	}
}
