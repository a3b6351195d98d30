package command

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/access"
	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/ident"
)

// DB is the database that commands read and write; a pgxpool.Pool is one.
type DB interface {
	datasource.Querier
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Controller is the server's running part.
type Controller interface {
	// StartSource begins streaming from a data source that is stored in
	// metadb.source. It returns without waiting for a connection.
	StartSource(ctx context.Context, name string) error
	// StopSource ends the stream and returns when it has ended. A source
	// that is not running is no error.
	StopSource(ctx context.Context, name string) error
	// SetOrigins makes the origins known to every stream.
	SetOrigins(origins []change.Origin)
}

// Config is what an [Executor] needs. All fields are required but for those
// that say otherwise.
type Config struct {
	DB      DB
	Control Controller
	// Sync carries out synchronizations. If it is nil, those commands are
	// not in this version.
	Sync   Synchronizer
	Status Status
	Logger *slog.Logger
	// Super connects as the superuser, for what package access lists. Roles are
	// those that no command may touch; where Roles.Super is empty, the system
	// user is enough, and Super is not called.
	Super func(ctx context.Context) (*pgx.Conn, error)
	Roles access.Roles
	// Sealer encrypts passwords for brokers. Nil leaves them as they are.
	Sealer datasource.Sealer
	// Exclusively does something while no batch is applied. Nil says that no
	// stream is running.
	Exclusively func(do func() error) error
	// Rejected tries rejected events again. If it is nil, that command is not
	// in this version.
	Rejected
	// Skip has a data source go on at an offset of a partition, and returns how many records it
	// passes by. If it is nil, that command is not in this version.
	Skip func(ctx context.Context, source string, part change.Partition, to int64) (missing int64, err error)
	// Tables changes and drops main tables.
	Tables
	// RefreshTypes infers column types (docs/spec/02-types.md#inferred-types). If it is nil, the command
	// is not in this version.
	RefreshTypes func(context.Context) error
	// RefreshMapping transforms the rows of a table, which is given by its
	// current table (docs/spec/09-json-mappings.md#changing-mappings). If it is nil, the command is not in this version.
	RefreshMapping func(ctx context.Context, table ident.Qualified) (Refreshed, error)
}

// Executor carries out commands. It is safe for concurrent use.
type Executor struct {
	Config
	// changing is held by commands that change data sources, origins and main
	// tables, so that what is stored and what runs change together.
	changing commandLock
	// granting is held by commands about users, which don't wait for a
	// synchronization.
	granting commandLock
}

// New returns an executor.
func New(config Config) *Executor {
	return &Executor{Config: config, changing: newCommandLock(), granting: newCommandLock()}
}

// Exec carries out one command. The error is to be shown through [AsError].
func (e *Executor) Exec(ctx context.Context, command lang.Command) (*Result, error) {
	switch c := command.(type) {
	case lang.List:
		return e.execList(ctx, c)
	case lang.Help:
		return showHelp(c)
	case lang.Rejected:
		return e.execRejected(ctx, c)
	case lang.AlterSystem:
		return e.alterSystem(ctx, c)
	case lang.RefreshTypes:
		return e.refreshTypes(ctx, c)
	case lang.VerifyConsistency:
		return e.verifyConsistency(ctx)
	case lang.CreateMapping:
		return e.createMapping(ctx, c)
	case lang.DropMapping:
		return e.dropMapping(ctx, c)
	case lang.RefreshMapping:
		return e.refreshMapping(ctx, c)
	}
	switch command.(type) {
	case lang.CreateUser, lang.AlterUser, lang.DropUser, lang.RegisterUser, lang.CreateSchema, lang.Grant:
		if err := e.granting.acquire(ctx); err != nil {
			return nil, err
		}
		defer e.granting.release()
		return e.execUserCommand(ctx, command)
	}
	if err := e.changing.acquire(ctx); err != nil {
		return nil, err
	}
	defer e.changing.release()
	switch c := command.(type) {
	case lang.CreateSource:
		return e.createSource(ctx, c)
	case lang.AlterSource:
		return e.alterSource(ctx, c)
	case lang.DropSource:
		return e.dropSource(ctx, c)
	case lang.CreateOrigin:
		return e.createOrigin(ctx, c)
	case lang.DropOrigin:
		return e.dropOrigin(ctx, c)
	case lang.Sync:
		return e.synchronize(ctx, c)
	case lang.AlterTable:
		return e.alterTable(ctx, c)
	case lang.PurgeTables:
		return e.purgeTables(ctx, c)
	case lang.SkipPartition:
		return e.skipPartition(ctx, c)
	}
	return nil, notSupportedError(command)
}

// execUserCommand carries out a command about a user.
func (e *Executor) execUserCommand(ctx context.Context, command lang.Command) (*Result, error) {
	switch c := command.(type) {
	case lang.CreateUser:
		return e.createUser(ctx, c)
	case lang.AlterUser:
		return e.alterUser(ctx, c)
	case lang.DropUser:
		return e.dropUser(ctx, c)
	case lang.RegisterUser:
		return e.registerUser(ctx, c)
	case lang.CreateSchema:
		return e.createSchema(ctx, c)
	case lang.Grant:
		return e.changeGrant(ctx, c)
	}
	return nil, notSupportedError(command)
}

// execList carries out LIST.
func (e *Executor) execList(ctx context.Context, c lang.List) (*Result, error) {
	switch c.What.Text {
	case "blockers":
		return e.listBlockers(), nil
	case "config":
		return e.listConfig(ctx)
	case "data_mappings":
		return e.listMappings(ctx)
	case "data_origins":
		return e.listOrigins(ctx)
	case "data_sources":
		return e.listSources(ctx)
	case "status":
		return e.listStatus(), nil
	case "users":
		return e.listUsers(ctx)
	}
	return nil, notSupportedError(c)
}

// inTransaction runs f in a transaction.
func (e *Executor) inTransaction(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, e.DB, f)
}

// logChange notes a change that an administrator made.
func (e *Executor) logChange(format string, args ...any) {
	e.Logger.Info(fmt.Sprintf(format, args...))
}

// queryList returns the rows of a statement as the result of LIST WHAT. Its
// columns are all text.
func (e *Executor) queryList(ctx context.Context, what, sql string) (*Result, error) {
	rows, err := e.DB.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		return nil, err
	}
	return tableResult(describeList(what), values), nil
}
