package resync

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/dbsession"
)

// An event trigger can keep a session from creating temporary tables, in a database that needs
// no other change of its tables. The lists are then in metadb.unconfirmed, which always exists
// and is unlogged, too.

// permanentList is the table with the lists that are not temporary tables.
const permanentList = "metadb.unconfirmed"

// list has the ids and starts of a table's unconfirmed rows, in a temporary table or as a part
// of the permanent one.
type list struct {
	number    int
	permanent bool
}

// SQL returns the name of the relation.
func (l *list) SQL() string {
	if l.permanent {
		return permanentList
	}
	return ident.Qualified{Schema: "pg_temp", Name: l.name()}.SQL()
}

// name returns the name of the temporary table.
func (l *list) name() ident.Name { return ident.Name(fmt.Sprintf("metadb_unconfirmed_%d", l.number)) }

// holds returns the condition that a row u of the relation is part of the list.
func (l *list) holds() string {
	if l.permanent {
		return fmt.Sprintf("u.session = pg_backend_pid() AND u.list = %d", l.number)
	}
	return "true"
}

// fill replaces the list with the rows that a query returns, and returns their number. If a
// temporary table is refused, the list becomes a part of the permanent one.
func (l *list) fill(ctx context.Context, tx pgx.Tx, query string) (int64, error) {
	if !l.permanent {
		n, err := l.fillTemporary(ctx, tx, query)
		if _, refused := dbsession.TemporaryRefusal(err); !refused {
			return n, err
		}
		l.permanent = true
	}
	// An earlier session with the same process id may have left a list.
	const dead = "NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = u.session)"
	if _, err := tx.Exec(ctx, "DELETE FROM "+permanentList+" u WHERE "+l.holds()+" OR "+dead); err != nil {
		return 0, err
	}
	return l.add(ctx, tx, query)
}

// fillTemporary creates a temporary table in place of one that an earlier try may have left,
// and drops it again if the query returns no row. It uses CREATE TABLE AS because PostgreSQL
// runs the query in parallel then, but not for INSERT.
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

// add adds the rows that a query returns, and returns their number.
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

// forget drops the temporary table, or deletes the list's rows: the connection may be used
// again. A temporary table that can't be dropped ends with the session.
func (l *list) forget(ctx context.Context, db *pgx.Conn) {
	if l.permanent {
		_, _ = db.Exec(ctx, "DELETE FROM "+permanentList+" u WHERE "+l.holds())
	} else {
		_, _ = db.Exec(ctx, "DROP TABLE IF EXISTS "+l.SQL())
	}
}
