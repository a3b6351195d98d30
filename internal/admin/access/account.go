package access

import (
	"context"
	"fmt"

	"metadb/internal/ident"
)

// Account is a registered user as "list users" lists it.
type Account struct {
	Name string
	// Created is true if "create user" made the user, AccessAll if access on all is granted to it.
	Created, AccessAll bool
	// Remedy is the statement without which commands about the user fail, empty if they work.
	Remedy string
}

// accountsSQL lists registered users, and whether they have a role; RetiredRole ($1) comes last.
const accountsSQL = `
SELECT a.username::pg_catalog.text, a.created, a.access_all,
       EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = a.username), false AS retired
  FROM metadb.auth AS a
 UNION ALL
SELECT r.rolname::pg_catalog.text, false, false, true, true FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1
 ORDER BY 5, 1`

// Accounts lists the registered users, and RetiredRole if the administrator may not act for it. It
// changes nothing.
func (db *Database) Accounts(ctx context.Context) ([]Account, error) {
	var accounts []Account
	err := db.Do(ctx, func(s *Session) (err error) {
		s.tx.readOnly = true // the memberships that accounts tries are rolled back
		accounts, err = s.accounts(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return accounts, nil
}

func (s *Session) accounts(ctx context.Context) ([]Account, error) {
	type row struct {
		Name                                 string
		Created, AccessAll, HasRole, Retired bool
	}
	rows, err := collectRows[row](ctx, s.tx.own, accountsSQL, RetiredRole)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	admin, err := s.tx.administrator(ctx)
	if err != nil {
		return nil, err
	}
	var accounts []Account
	for _, r := range rows {
		account := Account{Name: r.Name, Created: r.Created, AccessAll: r.AccessAll}
		if !r.HasRole {
			account.Remedy = "deregister user " + ident.Name(r.Name).SQL() + ";"
		} else if account.Remedy, err = admin.missingMembership(ctx, r.Name); err != nil {
			return nil, err
		}
		if !r.Retired || account.Remedy != "" {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}
