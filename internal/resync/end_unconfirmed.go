package resync

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
)

// endUnconfirmed ends the unconfirmed rows, one table after the other. A table that an earlier
// run has completed has no such rows any more.
func (s *syncState) endUnconfirmed(ctx context.Context, db *pgx.Conn, prompter Prompter, o EndsyncOptions, found []*countedTable) error {
	at, err := s.loadEndTime(ctx, db)
	if err != nil {
		return err
	}
	done, all := int64(0), sumCounts(tableCounts(found)).Unconfirmed()
	for _, t := range found {
		if t.unconfirmedList == nil && o.Server == nil {
			continue
		}
		e := &unconfirmedEnding{countedTable: t, validity: &s.confirmationValidity, at: at, mayHaveChanged: s.server != nil, progress: func(ended int64) {
			prompter.Progress(t.table.Name, done+ended, max(done+ended, all))
		}}
		err := s.endTable(ctx, db, e, o)
		if e.list != nil && e.list != t.unconfirmedList {
			e.list.forget(ctx, db)
		}
		if err != nil {
			return err
		}
		done += t.count.Ended
	}
	return nil
}

// endTable ends the unconfirmed rows of a table in one transaction, while no stream applies.
func (s *syncState) endTable(ctx context.Context, db *pgx.Conn, e *unconfirmedEnding, o EndsyncOptions) error {
	return s.server.exclusively(func() error {
		// The stream may have changed the table's columns meanwhile, or a client may have
		// dropped it.
		if e.table = s.store.Snapshot().Table(e.count.Table); e.table == nil {
			return nil
		}
		var after *catalog.Table
		var transformed []*catalog.Table
		err := retryTransaction(ctx, db, o.LockTimeout, fmt.Sprintf("end the unconfirmed rows of table %s", e.count.Table), []ident.Qualified{e.table.Current}, func(tx pgx.Tx) error {
			err := s.checkDoubts(o)(ctx, tx)
			if err != nil {
				return err
			}
			if after, err = e.endRows(ctx, tx); err != nil || e.count.Ended == 0 {
				return err
			}
			if err := apply.StoreLastEndsync(ctx, tx, apply.Snapshot{Source: s.Source, Table: e.table.Name}, e.at, s.countedAttempt()); err != nil {
				return err
			}
			transformed, err = s.endTransformed(ctx, tx, after, e.at)
			return err
		})
		switch {
		case err == nil:
			s.store.Publish(append(transformed, after)...)
		case s.server != nil && s.server.InvalidateCatalog != nil:
			s.server.InvalidateCatalog()
		}
		return err
	})
}

// countedAttempt returns the attempt of the snapshot that counts. If it is unknown, as for
// incremental snapshots, only its time is set, to the beginning of the resynchronization.
func (s *syncState) countedAttempt() change.Attempt {
	if s.attempts.Current.IsKnown() {
		return s.attempts.Current
	}
	return change.Attempt{Time: change.Micros(s.started.UnixMicro())}
}

// endTransformed ends the rows that were transformed from ended rows, and returns the new state
// of the tables that have changed.
func (s *syncState) endTransformed(ctx context.Context, tx pgx.Tx, parent *catalog.Table, at time.Time) ([]*catalog.Table, error) {
	var changed []*catalog.Table
	for t := range s.store.Snapshot().All() {
		if t.Parent != parent.Name {
			continue
		}
		after, err := apply.EndOrphans(ctx, tx, t, parent, at)
		if err != nil {
			return nil, err
		}
		if after != t {
			changed = append(changed, after)
		}
	}
	return changed, nil
}

// withLastEnd returns the table with LastEnd raised to at.
func withLastEnd(t *catalog.Table, at change.Micros) *catalog.Table {
	after := t.Clone()
	after.LastEnd = max(after.LastEnd, at)
	return after
}

// loadEndTime returns the time at which rows end. The first run of endsync stores it, and later
// runs use it again.
func (s *syncState) loadEndTime(ctx context.Context, db *pgx.Conn) (time.Time, error) {
	const sql = `
INSERT INTO metadb.resync AS r (source_name, schema_name, table_name, started_at, endsync_time) VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (source_name, schema_name, table_name) DO UPDATE SET endsync_time = coalesce(r.endsync_time, excluded.endsync_time)
RETURNING endsync_time`
	var at time.Time
	if err := db.QueryRow(ctx, sql, s.keyArgs(s.started)...).Scan(&at); err != nil {
		return at, fmt.Errorf("store the time of the end: %w", err)
	}
	return at, nil
}

// unconfirmedEnding ends the unconfirmed rows of one table.
type unconfirmedEnding struct {
	*countedTable
	validity *confirmationValidity
	at       time.Time
	// mayHaveChanged is true if a stream may have changed rows since they were counted.
	mayHaveChanged bool
	// list has the rows to be ended.
	list *list
	// progress is called with the number of rows ended so far.
	progress func(ended int64)
}

// endRows moves the unconfirmed rows to history and returns the new state of the table. Rows
// keep their ids, and no row ends before its start.
func (e *unconfirmedEnding) endRows(ctx context.Context, tx pgx.Tx) (*catalog.Table, error) {
	e.count.Ended, e.list = 0, e.unconfirmedList
	if e.mayHaveChanged {
		if left, err := e.recheckUnconfirmed(ctx, tx); err != nil || !left {
			return e.table, err
		}
	}
	// Another session must not add a row of a year that is not in years. Readers do not
	// conflict with this lock.
	if _, err := tx.Exec(ctx, "LOCK TABLE "+e.table.Current.SQL()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return nil, err
	}
	years, err := e.loadYears(ctx, tx)
	if err != nil {
		return nil, err
	}
	after, err := ddl.EnsureYears(ctx, tx, e.table, years)
	if err != nil {
		return nil, err
	}
	last, err := e.moveToHistory(ctx, tx, after, years)
	if err != nil || last == nil {
		return after, err
	}
	_, err = tx.Exec(ctx, "UPDATE metadb.target_table SET last_end = greatest(last_end, $3) WHERE schema_name = $1 AND table_name = $2",
		after.Name.Schema, after.Name.Name, *last)
	return withLastEnd(after, change.Micros(last.UnixMicro())), err
}

// recheckUnconfirmed updates the list, while no stream applies: it removes rows that have been
// confirmed since they were counted and adds newer unconfirmed rows. It returns false if the
// table certainly has no row to end; a list that has become empty still returns true.
func (e *unconfirmedEnding) recheckUnconfirmed(ctx context.Context, tx pgx.Tx) (bool, error) {
	var later bool
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(__id), 0) > $1 FROM "+e.table.Current.SQL(), e.newestID).Scan(&later); err != nil {
		return false, err
	}
	newer := "SELECT c.__id, c.__start FROM " + e.table.Current.SQL() + " c WHERE c.__id > " + strconv.FormatInt(e.newestID, 10) +
		" AND " + e.validity.isUnconfirmedSQL(e.table)
	if e.list == nil {
		if !later {
			return false, nil
		}
		var found bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS ("+newer+")").Scan(&found); err != nil || !found {
			return false, err
		}
		e.list = &list{number: e.number}
		n, err := e.list.fill(ctx, tx, newer)
		return n > 0, err
	}
	// A scan of the table of confirmed ids for new ones takes a fraction of another comparison
	// of all rows.
	// https://www.postgresql.org/docs/current/ddl-system-columns.html
	confirmed := "DELETE FROM " + e.list.SQL() + " u USING " + e.table.Sync.SQL() + " s WHERE " + e.list.holds() +
		" AND s.__id = u.__id AND age(s.xmin) <= age($1::text::xid)"
	if _, err := tx.Exec(ctx, confirmed, e.sinceTransaction); err != nil {
		return false, err
	}
	if !later {
		return true, nil
	}
	_, err := e.list.add(ctx, tx, newer)
	return true, err
}

// loadYears returns the years in which the unconfirmed rows began.
func (e *unconfirmedEnding) loadYears(ctx context.Context, tx pgx.Tx) ([]int, error) {
	rows, err := tx.Query(ctx, "SELECT DISTINCT extract(year FROM __start AT TIME ZONE 'UTC')::int FROM "+e.list.SQL()+" u WHERE "+e.list.holds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}
