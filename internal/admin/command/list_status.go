package command

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/observe/status"
)

// Status reports the live state of every data source; *status.Registry implements it.
type Status interface {
	Reports() []status.Report
}

var _ Status = (*status.Registry)(nil)

// listStatusCommand is LIST STATUS.
func listStatusCommand() Command {
	return Command{
		Words: "list status", Claim: "list",
		Purpose:   "show what the streams are doing",
		Syntax:    "list status",
		Example:   "list status",
		Page:      "#what-there-is",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listStatus{} },
	}
}

type listStatus struct{}

func (listStatus) String() string { return "list status" }

// Columns implements Tabular.
func (listStatus) Columns() []Column {
	return append(textColumns("type", "name", "source_stream", "source_sync"),
		Column{Name: "lag", OID: pgtype.Int8OID},
		Column{Name: "last_event_time", OID: pgtype.TimestamptzOID},
		Column{Name: "events", OID: pgtype.Int8OID},
		Column{Name: "rejected", OID: pgtype.Int8OID},
		Column{Name: "message", OID: pgtype.TextOID},
		Column{Name: "skipped", OID: pgtype.Int8OID})
}

// Run executes LIST STATUS. It needs no database.
func (c listStatus) Run(_ context.Context, srv *Services) (*Result, error) {
	var rows [][]any
	for _, r := range srv.Status.Reports() {
		row := []any{"data_source", r.Name, string(r.Stream), string(r.Sync), nil, nil, r.Events, r.Rejected, nil, int64(len(r.Skipped))}
		if r.Lag != status.UnknownLag {
			row[4] = r.Lag
		}
		if !r.LastEvent.IsZero() {
			row[5] = r.LastEvent
		}
		row[8] = nullableText(r.Text(), r.Text() != "")
		rows = append(rows, row)
	}
	return tableResult(c.Columns(), rows), nil
}
