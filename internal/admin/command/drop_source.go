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

// dropSourceCommand is DROP DATA SOURCE NAME.
func dropSourceCommand() Command {
	return Command{
		Words: "drop data source", Claim: "drop data",
		Purpose: "remove a data source; its tables stay",
		Syntax:  "drop data source NAME",
		Example: "drop data source sensor",
		Page:    "data-sources.md",
		Lock:    LockStreams,
		Parse:   func(p *lang.Parser) Statement { return dropSource{Name: p.Name("a name")} },
	}
}

type dropSource struct{ Name lang.Name }

func (c dropSource) String() string { return "drop data source " + c.Name.String() }

// Run stops the stream and removes the data source with its positions. Its tables and its
// rejected events stay.
func (c dropSource) Run(ctx context.Context, srv *Services) (*Result, error) {
	name := c.Name.Text
	if _, err := datasource.Load(ctx, srv.DB, name); err != nil {
		return nil, sourceError(err, c.Name)
	}
	// A stream that has been requested to stop can't be resumed: from here on the command can't be
	// canceled.
	ctx = context.WithoutCancel(ctx)
	if err := srv.Control.StopSource(ctx, name); err != nil {
		return nil, fmt.Errorf("stop data source %q: %w", name, err)
	}
	if err := srv.inTransaction(ctx, func(tx pgx.Tx) error { return deleteSource(ctx, tx, name) }); err != nil {
		// The data source still exists: its stream has to continue.
		if startErr := srv.Control.StartSource(ctx, name); startErr != nil {
			err = errors.Join(err, startErr)
		}
		return nil, sourceError(err, c.Name)
	}
	srv.logChange("data source %q dropped", name)
	result := tagResult("DROP DATA SOURCE").addNotice(fmt.Sprintf("the tables of data source \"%s\" are kept", name))
	rows, err := srv.DB.Query(ctx, "select count(*) from metadb.rejected_event where source_name = $1", name)
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

// deleteSource removes a data source with the progress of its stream and its synchronizations.
func deleteSource(ctx context.Context, tx pgx.Tx, name string) error {
	for _, sql := range []string{
		"delete from metadb.stream_position where source_name = $1",
		"delete from metadb.resync_from where source_name = $1",
		"delete from metadb.resync where source_name = $1",
		"delete from metadb.initial_adopts_attempt where source_name = $1",
		"delete from metadb.confirmed_since where source_name = $1",
		"delete from metadb.confirmed_floor where source_name = $1",
		"delete from metadb.confirmed_change where source_name = $1",
		"delete from metadb.last_endsync where source_name = $1",
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
func (srv *Services) checkSourceExists(ctx context.Context, name lang.Name) error {
	_, err := datasource.Load(ctx, srv.DB, name.Text)
	return sourceError(err, name)
}

// sourceError converts the absence of a data source to an error for the client.
func sourceError(err error, name lang.Name) error {
	if errors.Is(err, datasource.ErrNotExist) {
		return missingError("data source", name)
	}
	return err
}
