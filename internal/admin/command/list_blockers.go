package command

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
)

// listBlockersCommand is LIST BLOCKERS.
func listBlockersCommand() Command {
	return Command{
		Words: "list blockers", Claim: "list",
		Purpose:   "show who holds the locks that waiting tables need",
		Syntax:    "list blockers",
		Example:   "list blockers",
		Page:      "#what-there-is",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listBlockers{} },
	}
}

type listBlockers struct{}

func (listBlockers) String() string { return "list blockers" }

// Columns implements Tabular.
func (listBlockers) Columns() []Column {
	return append(textColumns("data_source", "table_name"),
		Column{Name: "pid", OID: pgtype.Int8OID},
		Column{Name: "prepared_transaction", OID: pgtype.TextOID},
		Column{Name: "user_name", OID: pgtype.TextOID},
		Column{Name: "state", OID: pgtype.TextOID},
		Column{Name: "lock_mode", OID: pgtype.TextOID},
		Column{Name: "age_seconds", OID: pgtype.Float8OID})
}

// Run executes LIST BLOCKERS. It needs no database.
func (c listBlockers) Run(_ context.Context, srv *Services) (*Result, error) {
	var rows [][]any
	for _, r := range srv.Status.Reports() {
		for _, b := range r.Blockers {
			row := []any{r.Name, b.Table, nil, nullableText(b.Prepared, b.Prepared != ""), nullableText(b.User, b.User != ""), nullableText(b.State, b.State != ""), b.Mode, nil}
			if b.PID != 0 {
				row[2] = int64(b.PID)
			}
			if b.Age != 0 {
				row[7] = b.Age
			}
			rows = append(rows, row)
		}
	}
	return tableResult(c.Columns(), rows), nil
}
