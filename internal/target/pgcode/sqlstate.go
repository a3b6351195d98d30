package pgcode

import (
	"errors"
	"slices"
)

// SQLSTATEs of single conditions.
const (
	SuccessfulCompletion = "00000"
	Warning              = "01000"

	ConnectionFailure = "08006"
	// ProtocolViolation is also PgBouncer's answer to a setting in the request to connect that it
	// does not accept. https://www.pgbouncer.org/config.html#ignore_startup_parameters
	ProtocolViolation = "08P01"

	// FeatureNotSupported is also the code of a change of type of a column that a view uses, and of
	// a \u escape in JSON for a character that the database's encoding does not have.
	FeatureNotSupported = "0A000"

	SequenceGeneratorLimitExceeded = "2200H"
	CharacterNotInRepertoire       = "22021"
	InvalidParameterValue          = "22023"

	UniqueViolation = "23505"
	CheckViolation  = "23514"

	ActiveSQLTransaction   = "25001"
	ReadOnlySQLTransaction = "25006"
	InFailedSQLTransaction = "25P02"
	// TransactionTimeout exists from PostgreSQL 17 on.
	TransactionTimeout = "25P04"

	InvalidSQLStatementName = "26000"

	InvalidAuthorizationSpecification = "28000"
	InvalidPassword                   = "28P01"

	DependentObjectsStillExist = "2BP01"

	InvalidCursorName  = "34000"
	InvalidCatalogName = "3D000"
	InvalidSchemaName  = "3F000"

	SerializationFailure = "40001"
	DeadlockDetected     = "40P01"

	InsufficientPrivilege      = "42501"
	SyntaxError                = "42601"
	InvalidName                = "42602"
	DuplicateColumn            = "42701"
	UndefinedColumn            = "42703"
	UndefinedObject            = "42704"
	DuplicateObject            = "42710"
	UndefinedFunction          = "42883"
	ReservedName               = "42939"
	UndefinedTable             = "42P01"
	DuplicateDatabase          = "42P04"
	DuplicatePreparedStatement = "42P05"
	DuplicateSchema            = "42P06"
	DuplicateTable             = "42P07"
	InvalidObjectDefinition    = "42P17"

	DiskFull = "53100"
	// OutOfMemory is also the code of a full table of locks.
	OutOfMemory        = "53200"
	TooManyConnections = "53300"

	ProgramLimitExceeded = "54000"

	ObjectNotInPrerequisiteState = "55000"
	// LockNotAvailable is the code of a lock timeout, and of NOWAIT.
	LockNotAvailable = "55P03"

	QueryCanceled = "57014"
	AdminShutdown = "57P01"
	CrashShutdown = "57P02"

	FDWInvalidOptionName = "HV00D"

	InternalError = "XX000"
)

// Classes of conditions: the first two characters of their SQLSTATEs.
const (
	ClassConnectionException          = "08"
	ClassDataException                = "22"
	ClassIntegrityConstraintViolation = "23"
	ClassInvalidTransactionState      = "25"
	ClassTransactionRollback          = "40"
	ClassSyntaxErrorOrAccessRule      = "42"
	ClassInsufficientResources        = "53"
	ClassProgramLimitExceeded         = "54"
	ClassOperatorIntervention         = "57"
	ClassSystemError                  = "58"
	ClassConfigurationFile            = "F0"
	ClassInternalError                = "XX"
	codeLength, classLength           = 5, 2
)

// Of returns the SQLSTATE of an error of PostgreSQL, "" for any other error. [pgconn.PgError]
// has the method.
//
// [pgconn.PgError]: https://pkg.go.dev/github.com/jackc/pgx/v5/pgconn#PgError
func Of(err error) string {
	var refused interface{ SQLState() string }
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.SQLState()
}

// Is reports whether an error of PostgreSQL has one of the SQLSTATEs.
func Is(err error, codes ...string) bool {
	code := Of(err)
	return code != "" && slices.Contains(codes, code)
}

// Class returns the class of an SQLSTATE, "" if the text is not an SQLSTATE.
func Class(code string) string {
	if len(code) != codeLength {
		return ""
	}
	return code[:classLength]
}

// IsLockTimeout reports whether a session has waited for a lock for too long.
func IsLockTimeout(err error) bool { return Is(err, LockNotAvailable) }

// IsLockConflict reports whether an error is a conflict with another session, so that another try
// may succeed: a lock timeout, a deadlock, or a serialization failure.
func IsLockConflict(err error) bool {
	return Is(err, LockNotAvailable, DeadlockDetected, SerializationFailure)
}

// IsUniqueViolation reports whether a unique index has refused a row.
func IsUniqueViolation(err error) bool { return Is(err, UniqueViolation) }

// IsDataError reports whether an SQLSTATE concerns the data of a statement.
func IsDataError(code string) bool {
	switch Class(code) {
	case ClassDataException, ClassIntegrityConstraintViolation, ClassProgramLimitExceeded:
		return true
	}
	return false
}
