package resync

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/ident"
)

// An event trigger can keep temporary tables from being made, in a database whose tables
// need no change. Then lists stand in metadb.unconfirmed, which is always there, and is not
// logged either.

// permanentList is the table of lists that are not temporary tables.
const permanentList = "metadb.unconfirmed"

// list is where the ids of a table's rows stand that are not confirmed, and when the rows
// began: a temporary table, or a part of the permanent one.
type list struct {
	number    int
	permanent bool
}

// SQL is the relation.
func (l *list) SQL() string {
	if l.permanent {
		return permanentList
	}
	return ident.Qualified{Schema: "pg_temp", Name: l.name()}.SQL()
}

// name is that of the temporary table.
func (l *list) name() ident.Name { return ident.Name(fmt.Sprintf("metadb_unconfirmed_%d", l.number)) }

// holds is the condition that a row u of the relation is one of the list.
func (l *list) holds() string {
	if l.permanent {
		return fmt.Sprintf("u.session = pg_backend_pid() AND u.list = %d", l.number)
	}
	return "true"
}

// fill makes the list of the rows that a query returns, and returns how many there are.
// Where a temporary table is refused it becomes a part of the permanent one.
func (l *list) fill(ctx context.Context, tx pgx.Tx, query string) (int64, error) {
	if !l.permanent {
		n, err := l.fillTemporary(ctx, tx, query)
		if !refusesTemporary(err) {
			return n, err
		}
		l.permanent = true
	}
	// Another process of that number may have left a list.
	const dead = "NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = u.session)"
	if _, err := tx.Exec(ctx, "DELETE FROM "+permanentList+" u WHERE "+l.holds()+" OR "+dead); err != nil {
		return 0, err
	}
	return l.add(ctx, tx, query)
}

// fillTemporary makes a temporary table, which replaces one that an earlier try may have
// left, and is gone again where no row is found. PostgreSQL may use several processes for
// the query, other than for INSERT.
// https://www.postgresql.org/docs/current/when-can-parallel-query-be-used.html
func (l *list) fillTemporary(ctx context.Context, tx pgx.Tx, query string) (n int64, err error) {
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS "+l.SQL()); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "CREATE TEMP TABLE "+l.name().SQL()+" AS "+query)
		if n = tag.RowsAffected(); err != nil || n > 0 {
			return err
		}
		_, err = tx.Exec(ctx, "DROP TABLE "+l.SQL())
		return err
	})
	return n, err
}

// add adds the rows that a query returns, and returns how many there are.
func (l *list) add(ctx context.Context, tx pgx.Tx, query string) (int64, error) {
	into := l.SQL()
	if l.permanent {
		into += fmt.Sprintf(" (session, list, __id, __start) SELECT pg_backend_pid(), %d, q.* FROM (%s) q", l.number, query)
	} else {
		into += " " + query
	}
	tag, err := tx.Exec(ctx, "INSERT INTO "+into)
	return tag.RowsAffected(), err
}

// forget drops or empties the list: the connection may be used again. What can't be
// dropped goes with the connection.
func (l *list) forget(ctx context.Context, db *pgx.Conn) {
	if l.permanent {
		_, _ = db.Exec(ctx, "DELETE FROM "+permanentList+" u WHERE "+l.holds())
	} else {
		_, _ = db.Exec(ctx, "DROP TABLE IF EXISTS "+l.SQL())
	}
}

// permissionDenied is the SQLSTATE of a right that is not there, here that to temporary
// tables. https://www.postgresql.org/docs/current/errcodes-appendix.html
const permissionDenied = "42501"

// refusesTemporary reports whether somebody keeps the session from making temporary
// tables: a function that an event trigger calls has raised the error, or the right is not
// there.
func refusesTemporary(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !isLockConflict(err) && (refused.Where != "" || refused.Code == permissionDenied)
}
