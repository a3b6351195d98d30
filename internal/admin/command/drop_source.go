package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/ident"
)

// dropSource ends the stream and forgets the data source with its positions.
// Its tables stay, and so do its rejected events.
func (e *Executor) dropSource(ctx context.Context, c lang.DropSource) (*Result, error) {
	name := c.Name.Text
	if _, err := datasource.Load(ctx, e.DB, name); err != nil {
		return nil, sourceError(err, c.Name)
	}
	// A stream that has been told to stop can't be told to go on: from here on
	// a client that cancels is too late.
	ctx = context.WithoutCancel(ctx)
	if err := e.Control.StopSource(ctx, name); err != nil {
		return nil, fmt.Errorf("stop data source %q: %w", name, err)
	}
	if err := e.inTransaction(ctx, func(tx pgx.Tx) error { return deleteSource(ctx, tx, name) }); err != nil {
		// It is still there: it has to go on.
		if startErr := e.Control.StartSource(ctx, name); startErr != nil {
			err = errors.Join(err, startErr)
		}
		return nil, sourceError(err, c.Name)
	}
	e.logChange("data source %q dropped", name)
	result := tagResult("DROP DATA SOURCE").addNotice(fmt.Sprintf("the tables of data source \"%s\" are kept", name))
	rows, err := e.DB.Query(ctx, "select count(*) from metadb.rejected_event where source_name = $1", name)
	if err != nil {
		return nil, err
	}
	rejected, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	if err != nil {
		return nil, err
	}
	if rejected > 0 {
		result = result.addNotice(fmt.Sprintf("%s kept: to remove them, \"purge rejected events for data source %s\"",
			change.Plural(rejected, "rejected event of it is", "rejected events of it are"), ident.Name(name).SQL()))
	}
	return result, nil
}

// deleteSource removes a data source and how far it has come.
func deleteSource(ctx context.Context, tx pgx.Tx, name string) error {
	for _, sql := range []string{
		"delete from metadb.stream_position where source_name = $1",
		"delete from metadb.resync_from where source_name = $1",
		"delete from metadb.resync where source_name = $1",
		"delete from metadb.initial_adopts_attempt where source_name = $1",
		"delete from metadb.confirmed_since where source_name = $1",
		"delete from metadb.confirmed_floor where source_name = $1",
		"delete from metadb.confirmed_change where source_name = $1",
		"delete from metadb.stream_gap where source_name = $1",
		"delete from metadb.topic_table where source_name = $1",
	} {
		if _, err := tx.Exec(ctx, sql, name); err != nil {
			return err
		}
	}
	return datasource.Delete(ctx, tx, name)
}

// checkSourceExists returns an error unless a data source exists.
func (e *Executor) checkSourceExists(ctx context.Context, name lang.Name) error {
	_, err := datasource.Load(ctx, e.DB, name.Text)
	return sourceError(err, name)
}

// sourceError words the absence of a data source.
func sourceError(err error, name lang.Name) error {
	if errors.Is(err, datasource.ErrNotExist) {
		return missingError("data source", name)
	}
	return err
}
