package datasource

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotExist says that there is no data source of that name.
var ErrNotExist = errors.New("data source does not exist")

// ErrExists says that there is a data source of that name already.
var ErrExists = errors.New("data source already exists")

// Querier is what this package needs of a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// The statements name the option columns in the order of [Names].
const (
	selectSources = `
select name, enable,
       brokers, security, topics, consumer_group,
       schema_pass_filter, schema_stop_filter, table_stop_filter,
       trim_schema_prefix, add_schema_prefix, map_public_schema, module,
       sasl_mechanism, sasl_username, sasl_password,
       unavailable_value_placeholder, ssl_ca_file, ssl_cert_file, ssl_key_file
  from metadb.source`

	// Mode 1 is the initial synchronization, in which every source begins.
	insertSource = `
insert into metadb.source (
       name, enable,
       brokers, security, topics, consumer_group,
       schema_pass_filter, schema_stop_filter, table_stop_filter,
       trim_schema_prefix, add_schema_prefix, map_public_schema, module,
       sasl_mechanism, sasl_username, sasl_password,
       unavailable_value_placeholder, ssl_ca_file, ssl_cert_file, ssl_key_file,
       sync)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 1)
    on conflict (name) do nothing`

	updateSource = `
update metadb.source
   set enable = $2,
       brokers = $3, security = $4, topics = $5, consumer_group = $6,
       schema_pass_filter = $7, schema_stop_filter = $8, table_stop_filter = $9,
       trim_schema_prefix = $10, add_schema_prefix = $11, map_public_schema = $12, module = $13,
       sasl_mechanism = $14, sasl_username = $15, sasl_password = $16,
       unavailable_value_placeholder = $17, ssl_ca_file = $18, ssl_cert_file = $19, ssl_key_file = $20
 where name = $1`
)

// Load returns the data source of that name, or an error that is [ErrNotExist].
func Load(ctx context.Context, q Querier, name string) (*Options, error) {
	sources, err := query(ctx, q, selectSources+" where name = $1", name)
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
	sources, err := query(ctx, q, selectSources+" order by name")
	if err != nil {
		return nil, fmt.Errorf("load data sources: %w", err)
	}
	return sources, nil
}

// Insert stores a new data source, in initial synchronization. The error is
// [ErrExists] if there is one of that name.
func Insert(ctx context.Context, q Querier, o *Options) error {
	return o.write(ctx, q, insertSource, ErrExists)
}

// Update stores the options of a data source that exists; its sync mode stays.
// The error is [ErrNotExist] if it does not.
func Update(ctx context.Context, q Querier, o *Options) error {
	return o.write(ctx, q, updateSource, ErrNotExist)
}

// Delete removes a data source. The error is [ErrNotExist] if there is none of
// that name. What else is stored under its name is the caller's.
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

// write runs a statement that takes the source's columns, and returns none if
// it changed no row.
func (o *Options) write(ctx context.Context, q Querier, sql string, none error) error {
	args := []any{o.Name, o.Enable}
	for _, field := range o.fields() {
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

func query(ctx context.Context, q Querier, sql string, args ...any) ([]*Options, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

func scan(row pgx.CollectableRow) (*Options, error) {
	var o Options
	into := []any{&o.Name, &o.Enable}
	for _, field := range o.fields() {
		into = append(into, field)
	}
	if err := row.Scan(into...); err != nil {
		return nil, err
	}
	return &o, nil
}
