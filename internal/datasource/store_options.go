package datasource

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotExist is the error for a data source that does not exist.
var ErrNotExist = errors.New("data source does not exist")

// ErrExists is the error for a data source that exists already.
var ErrExists = errors.New("data source already exists")

// Querier is the interface that this package needs: a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// optionColumns returns the columns of metadb.source that hold the options, under the options'
// names.
func optionColumns() string { return strings.Join(Names(), ", ") }

// optionParameters returns the parameters with the options' values, after $1, the name, $2,
// whether the source is enabled, and $3, its type.
func optionParameters() string {
	parameters := make([]string, len(Names()))
	for i := range parameters {
		parameters[i] = "$" + strconv.Itoa(i+4)
	}
	return strings.Join(parameters, ", ")
}

func selectSources() string {
	return "select name, enable, source_type, " + optionColumns() + " from metadb.source"
}

// insertSource inserts a source in mode 1, the initial synchronization.
func insertSource() string {
	return `
insert into metadb.source (name, enable, source_type, sync, ` + optionColumns() + `)
values ($1, $2, $3, 1, ` + optionParameters() + `)
    on conflict (name) do nothing`
}

func updateSource() string {
	return `
update metadb.source
   set enable = $2, source_type = $3, (` + optionColumns() + `) = row(` + optionParameters() + `)
 where name = $1`
}

// Load returns the data source of that name, or an error that is [ErrNotExist].
func Load(ctx context.Context, q Querier, name string) (*Options, error) {
	sources, err := queryOptions(ctx, q, selectSources()+" where name = $1", name)
	if err != nil {
		return nil, fmt.Errorf("load data source %q: %w", name, err)
	}
	if len(sources) == 0 {
		return nil, ErrNotExist
	}
	return sources[0], nil
}

// LoadAll returns every data source, sorted by name.
func LoadAll(ctx context.Context, q Querier) ([]*Options, error) {
	sources, err := queryOptions(ctx, q, selectSources()+" order by name")
	if err != nil {
		return nil, fmt.Errorf("load data sources: %w", err)
	}
	return sources, nil
}

// Insert stores a new data source, in initial synchronization. The error is [ErrExists] if the name
// is in use.
func Insert(ctx context.Context, q Querier, o *Options) error {
	return o.writeOptions(ctx, q, insertSource(), ErrExists)
}

// Update stores the options of an existing data source; its sync mode stays. The error is
// [ErrNotExist] if the data source does not exist.
func Update(ctx context.Context, q Querier, o *Options) error {
	return o.writeOptions(ctx, q, updateSource(), ErrNotExist)
}

// Delete removes a data source. The error is [ErrNotExist] if it does not exist. The caller deletes
// the rows of other tables under its name.
func Delete(ctx context.Context, q Querier, name string) error {
	tag, err := q.Exec(ctx, "delete from metadb.source where name = $1", name)
	if err != nil {
		return fmt.Errorf("delete data source %q: %w", name, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotExist
	}
	return nil
}

// writeOptions runs a statement with the source's columns as parameters, and returns the error none if it
// changed no row.
func (o *Options) writeOptions(ctx context.Context, q Querier, sql string, none error) error {
	args := []any{o.Name, o.Enable, o.Type}
	for _, field := range o.fieldList() {
		args = append(args, *field)
	}
	tag, err := q.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("store data source %q: %w", o.Name, err)
	}
	if tag.RowsAffected() == 0 {
		return none
	}
	return nil
}

func queryOptions(ctx context.Context, q Querier, sql string, args ...any) ([]*Options, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanOptions)
}

func scanOptions(row pgx.CollectableRow) (*Options, error) {
	var o Options
	into := []any{&o.Name, &o.Enable, &o.Type}
	for _, field := range o.fieldList() {
		into = append(into, field)
	}
	if err := row.Scan(into...); err != nil {
		return nil, err
	}
	return &o, nil
}
