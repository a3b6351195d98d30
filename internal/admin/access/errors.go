package access

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// What is refused. The wording is for a message that names the user or object.
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

// PrivilegedError says that a role has rights that go beyond the analytics
// database, so that it is not Metadb's to register or drop.
type PrivilegedError struct {
	Role   string
	Rights []string
}

func (e *PrivilegedError) Error() string {
	return fmt.Sprintf("user \"%s\" has rights beyond this database: %s", e.Role, strings.Join(e.Rights, ", "))
}

// SchemaTakenError says that a user's schema can't be made because there is one
// of that name that is nobody's who was dropped.
type SchemaTakenError struct{ Schema, Owner string }

func (e *SchemaTakenError) Error() string {
	return fmt.Sprintf("schema \"%s\" already exists", e.Schema)
}

// isUndefined reports whether PostgreSQL knows no such name, or can't read it.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isUndefined(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.Code == "42704" || refused.Code == "3F000" || refused.Code == "42601" || refused.Code == "42602" || refused.Code == "22023")
}
