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

// Columns implements Tabular. They are the fields of status.Line.
func (listStatus) Columns() []Column {
	return append(textColumns("type", "name", "source_stream", "source_sync"),
		Column{Name: "lag", OID: pgtype.Int8OID},
		Column{Name: "last_event_time", OID: pgtype.TimestamptzOID},
		Column{Name: "events", OID: pgtype.Int8OID},
		Column{Name: "rejected", OID: pgtype.Int8OID},
		Column{Name: "message", OID: pgtype.TextOID},
		Column{Name: "skipped", OID: pgtype.Int8OID},
		Column{Name: "progress_phase", OID: pgtype.TextOID},
		Column{Name: "progress_table", OID: pgtype.TextOID},
		Column{Name: "progress_done", OID: pgtype.Int8OID},
		Column{Name: "progress_total", OID: pgtype.Int8OID})
}

// Run executes LIST STATUS. It needs no database.
func (c listStatus) Run(_ context.Context, srv *Services) (*Result, error) {
	var rows [][]any
	for _, r := range srv.Status.Reports() {
		l := r.Line()
		rows = append(rows, []any{
			l.Type, l.Name, string(l.Stream), string(l.Sync), nullable(l.Lag), nullable(l.LastEvent), l.Events, l.Rejected, nullable(l.Message), l.Skipped,
			nullable((*string)(l.ProgressPhase)), nullable(l.ProgressTable), nullable(l.ProgressDone), nullable(l.ProgressTotal),
		})
	}
	return tableResult(c.Columns(), rows), nil
}

// nullable returns a pointer's value for a result, nil for NULL.
func nullable[T any](value *T) any {
	if value == nil {
		return nil
	}
	return *value
}
