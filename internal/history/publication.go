package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ddl"
)

// A publication of all tables in the target database keeps rows from being deleted
// and updated that nothing identifies to its subscribers. Tables get a replica
// identity where PostgreSQL has refused that, and not before: it costs WAL.

// notInState is the SQLSTATE with which it refuses, and refuses other things.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const notInState = "55000"

// noteRefusal notes that a batch may have failed for want of a replica identity:
// with the next ones all tables are looked at, once more if they were before.
func (a *Applier) noteRefusal(err error) {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if _, inTable := errors.AsType[*tableError](err); ok && inTable && refused.Code == notInState {
		a.identified = make(map[change.Table]bool)
	}
}

// identifyRows sees to the replica identity of a table and of those that are
// transformed from it, where PostgreSQL has refused one for want of it.
func (r *run) identifyRows(ctx context.Context, t *target) error {
	if r.identified == nil {
		return nil
	}
	if err := r.identify(ctx, t.table); err != nil {
		return err
	}
	for _, name := range r.children(t.table.Name) {
		if child := r.child(name); child != nil {
			if err := r.identify(ctx, child.table); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) identify(ctx context.Context, t *catalog.Table) error {
	if r.identified == nil || r.identified[t.Name] {
		return nil
	}
	had, err := ddl.IdentifyRows(ctx, r.tx, t)
	if err != nil {
		return err
	}
	if had {
		r.config.Logger.Info(fmt.Sprintf("table %s: its rows have got a replica identity (FULL), since a publication has the table", t.Name))
	}
	r.newlyIdentified = append(r.newlyIdentified, t.Name)
	return nil
}
