package command

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
)

// listUsersCommand is LIST USERS.
func listUsersCommand() Command {
	return Command{
		Words: "list users", Claim: "list",
		Purpose:   "show the registered users, and the statement that commands about them lack",
		Syntax:    "list users",
		Example:   "list users",
		Page:      "#users",
		OnlyShows: true,
		Parse:     func(*lang.Parser) Statement { return listUsers{} },
	}
}

type listUsers struct{}

func (listUsers) String() string { return "list users" }

// Columns implements Tabular.
func (listUsers) Columns() []Column {
	return []Column{
		{Name: "name", OID: pgtype.TextOID},
		{Name: "created", OID: pgtype.BoolOID},
		{Name: "access_all", OID: pgtype.BoolOID},
		{Name: "remedy", OID: pgtype.TextOID},
	}
}

// Run executes LIST USERS.
func (c listUsers) Run(ctx context.Context, srv *Services) (*Result, error) {
	db := srv.users()
	accounts, err := db.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, a := range accounts {
		rows = append(rows, []any{a.Name, a.Created, a.AccessAll, nullableText(a.Remedy, a.Remedy != "")})
	}
	return tableResult(c.Columns(), rows), nil
}
