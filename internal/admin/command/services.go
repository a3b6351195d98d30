package command

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/access"
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

// Services are what commands work with. All fields are required except where noted.
type Services struct {
	DB      DB
	Control Controller
	// Sync executes synchronizations. If it is nil, those commands are not supported.
	Sync   Synchronizer
	Status Status
	Logger *slog.Logger
	// SourceTypes are the kinds of data sources that the server reads.
	SourceTypes []string
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
	Rejected Rejected
	// Skip moves a data source to an offset of a partition, and returns the number of records that
	// it skips. If it is nil, that command is not supported.
	Skip func(ctx context.Context, source string, part change.Partition, to int64) (missing int64, err error)
	// Tables changes and drops main tables.
	Tables Tables
	// RefreshTypes infers column types (docs/spec/02-types.md#inferred-types). If it is nil, the
	// command is not supported.
	RefreshTypes func(context.Context) error
	// RefreshMapping transforms the rows of a table, which is given by its current table
	// (docs/spec/09-json-mappings.md#changing-mappings). If it is nil, the command is not
	// supported.
	RefreshMapping func(ctx context.Context, table ident.Qualified) (Refreshed, error)
}

// inTransaction runs f in a transaction.
func (srv *Services) inTransaction(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, srv.DB, f)
}

// logChange logs a change made by an administrator.
func (srv *Services) logChange(format string, args ...any) {
	srv.Logger.Info(fmt.Sprintf(format, args...))
}

// queryList returns the rows of a statement as the result of a list. All columns are text.
func (srv *Services) queryList(ctx context.Context, columns []Column, sql string) (*Result, error) {
	rows, err := srv.DB.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		return nil, err
	}
	return tableResult(columns, values), nil
}
