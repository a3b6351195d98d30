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

// DB is the database that commands read and write; *pgxpool.Pool implements it.
type DB interface {
	datasource.Querier
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Controller starts and stops the streams of the server.
type Controller interface {
	// StartSource starts the stream of a data source that is stored in metadb.source. It does not
	// wait for a connection.
	StartSource(ctx context.Context, name string) error
	// StopSource stops the stream and returns when it has ended. It is no error if the source is
	// not running.
	StopSource(ctx context.Context, name string) error
	// SetOrigins passes the origins to every stream.
	SetOrigins(origins []change.Origin)
}

// Config configures an [Executor]. All fields are required except where noted.
type Config struct {
	DB      DB
	Control Controller
	// Sync executes synchronizations. If it is nil, those commands are not supported.
	Sync   Synchronizer
	Status Status
	Logger *slog.Logger
	// Super connects as the superuser, for the statements that package access lists. Roles are the
	// roles that no command may change; if Roles.Super is empty, the system user has all rights
	// needed, and Super is not called.
	Super func(ctx context.Context) (*pgx.Conn, error)
	Roles access.Roles
	// Sealer encrypts passwords for brokers. If it is nil, they are stored as they are.
	Sealer datasource.Sealer
	// Exclusively calls do while no batch is applied. If it is nil, no stream is running.
	Exclusively func(do func() error) error
	// Rejected retries rejected events. If it is nil, that command is not supported.
	Rejected
	// Skip moves a data source to an offset of a partition, and returns the number of records that
	// it skips. If it is nil, that command is not supported.
	Skip func(ctx context.Context, source string, part change.Partition, to int64) (missing int64, err error)
	// Tables changes and drops main tables.
	Tables
	// RefreshTypes infers column types (docs/spec/02-types.md#inferred-types). If it is nil, the
	// command is not supported.
	RefreshTypes func(context.Context) error
	// RefreshMapping transforms the rows of a table, which is given by its current table
	// (docs/spec/09-json-mappings.md#changing-mappings). If it is nil, the command is not
	// supported.
	RefreshMapping func(ctx context.Context, table ident.Qualified) (Refreshed, error)
}

// Executor executes commands. It is safe for concurrent use.
type Executor struct {
	Config
	// changing is held by commands that change data sources, origins and main tables, so that the
	// stored state and the running streams change together.
	changing commandLock
	// granting is held by commands about users, which do not wait for a synchronization.
	granting commandLock
}

// New returns an executor.
func New(config Config) *Executor {
	return &Executor{Config: config, changing: newCommandLock(), granting: newCommandLock()}
}

// Exec executes one command. Callers convert the error with [AsError].
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

// execUserCommand executes a command about a user.
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

// execList executes LIST.
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

// logChange logs a change made by an administrator.
func (e *Executor) logChange(format string, args ...any) {
	e.Logger.Info(fmt.Sprintf(format, args...))
}

// queryList returns the rows of a statement as the result of LIST WHAT. All columns are text.
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
