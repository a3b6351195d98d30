package access

import (
	"errors"
	"fmt"
	"strings"

	"metadb/internal/target/pgcode"
)

// These are the errors of refused commands. The caller adds the name of the user or object.
var (
	ErrRoleExists    = errors.New("already exists")
	ErrNoRole        = errors.New("does not exist")
	ErrRegistered    = errors.New("is registered already")
	ErrNotRegistered = errors.New("is not registered")
	ErrProtected     = errors.New("belongs to the system")
	ErrNotCreated    = errors.New("was not made by create user")
	ErrSourceSchema  = errors.New("has the name of a schema that Metadb copies or makes")
	ErrNoObject      = errors.New("does not exist")
	ErrNotGrantable  = errors.New("can't be granted")
	ErrNotGranted    = errors.New("has not been granted")
)

// PrivilegedError is the error for a role with rights beyond the analytics database, which Metadb
// must neither register nor drop.
type PrivilegedError struct {
	Role   string
	Rights []string
}

func (e *PrivilegedError) Error() string {
	return fmt.Sprintf("user \"%s\" has rights beyond this database: %s", e.Role, strings.Join(e.Rights, ", "))
}

// SchemaTakenError is the error for a user's schema that exists already and is not that of a
// dropped user.
type SchemaTakenError struct{ Schema, Owner string }

func (e *SchemaTakenError) Error() string {
	return fmt.Sprintf("schema \"%s\" already exists", e.Schema)
}

// isUndefined reports whether an error of PostgreSQL means that a name does not exist or can't be
// parsed.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isUndefined(err error) bool {
	return pgcode.Is(err, pgcode.UndefinedObject, pgcode.InvalidSchemaName, pgcode.SyntaxError, pgcode.InvalidName, pgcode.InvalidParameterValue)
}
