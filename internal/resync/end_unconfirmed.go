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
func (e *ending) endUnconfirmed(ctx context.Context) error {
	at, err := e.loadEndTime(ctx)
	if err != nil {
		return err
	}
	done, all := int64(0), sumCounts(tableCounts(e.tables)).Unconfirmed()
	for _, t := range e.tables {
		if t.unconfirmedList == nil && e.options.Server == nil {
			continue
		}
		u := &unconfirmedEnding{counted: t, validity: &e.state.validity, at: at, mayHaveChanged: e.state.server != nil, progress: func(ended int64) {
			e.prompter.Progress(t.table.Name, done+ended, max(done+ended, all))
		}}
		err := e.endTable(ctx, u)
		if u.list != nil && u.list != t.unconfirmedList {
			u.list.forget(ctx, e.db)
		}
		if err != nil {
			return err
		}
		done += t.count.Ended
	}
	return nil
}

// endTable ends the unconfirmed rows of a table in one transaction, while no stream applies.
func (e *ending) endTable(ctx context.Context, t *unconfirmedEnding) error {
	return e.state.server.exclusively(func() error {
		// The stream may have changed the table's columns meanwhile, or a client may have
		// dropped it.
		if t.counted.table = e.state.store.Snapshot().Table(t.counted.count.Table); t.counted.table == nil {
			return nil
		}
		var after *catalog.Table
		var transformed []*catalog.Table
		err := retryTransaction(ctx, e.db, e.options.LockTimeout, fmt.Sprintf("end the unconfirmed rows of table %s", t.counted.count.Table), []ident.Qualified{t.counted.table.Current}, func(tx pgx.Tx) error {
			err := e.checkDoubts(ctx, tx)
			if err != nil {
				return err
			}
			if after, err = t.endRows(ctx, tx); err != nil || t.counted.count.Ended == 0 {
				return err
			}
			s := e.state
			if err := apply.StoreLastEndsync(ctx, tx, apply.Snapshot{Source: s.target.Source, Table: t.counted.table.Name}, t.at, s.countedAttempt()); err != nil {
				return err
			}
			transformed, err = s.endTransformed(ctx, tx, after, t.at)
			return err
		})
		switch {
		case err == nil:
			e.state.store.Publish(append(transformed, after)...)
		case e.state.server != nil && e.state.server.InvalidateCatalog != nil:
			e.state.server.InvalidateCatalog()
		}
		return err
	})
}

// countedAttempt returns the attempt of the snapshot that counts. If it is unknown, as for
// incremental snapshots, only its time is set, to the beginning of the resynchronization.
func (s *syncState) countedAttempt() change.Attempt {
	if s.validity.attempts.Current.IsKnown() {
		return s.validity.attempts.Current
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
func (e *ending) loadEndTime(ctx context.Context) (time.Time, error) {
	const sql = `
INSERT INTO metadb.resync AS r (source_name, schema_name, table_name, started_at, endsync_time) VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (source_name, schema_name, table_name) DO UPDATE SET endsync_time = coalesce(r.endsync_time, excluded.endsync_time)
RETURNING endsync_time`
	var at time.Time
	if err := e.db.QueryRow(ctx, sql, e.state.target.keyArgs(e.state.started)...).Scan(&at); err != nil {
		return at, fmt.Errorf("store the time of the end: %w", err)
	}
	return at, nil
}

// unconfirmedEnding ends the unconfirmed rows of one table.
type unconfirmedEnding struct {
	counted  *countedTable
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
	e.counted.count.Ended, e.list = 0, e.counted.unconfirmedList
	if e.mayHaveChanged {
		if left, err := e.recheckUnconfirmed(ctx, tx); err != nil || !left {
			return e.counted.table, err
		}
	}
	// Another session must not add a row of a year that is not in years. Readers do not
	// conflict with this lock.
	if _, err := tx.Exec(ctx, "LOCK TABLE "+e.counted.table.Current.SQL()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return nil, err
	}
	years, err := e.loadYears(ctx, tx)
	if err != nil {
		return nil, err
	}
	after, err := ddl.EnsureYears(ctx, tx, e.counted.table, years)
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
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(__id), 0) > $1 FROM "+e.counted.table.Current.SQL(), e.counted.newestID).Scan(&later); err != nil {
		return false, err
	}
	newer := "SELECT c.__id, c.__start FROM " + e.counted.table.Current.SQL() + " c WHERE c.__id > " + strconv.FormatInt(e.counted.newestID, 10) +
		" AND " + e.validity.isUnconfirmedSQL(e.counted.table)
	if e.list == nil {
		if !later {
			return false, nil
		}
		var found bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS ("+newer+")").Scan(&found); err != nil || !found {
			return false, err
		}
		e.list = &list{number: e.counted.number}
		n, err := e.list.fill(ctx, tx, newer)
		return n > 0, err
	}
	// A scan of the table of confirmed ids for new ones takes a fraction of another comparison
	// of all rows.
	// https://www.postgresql.org/docs/current/ddl-system-columns.html
	confirmed := "DELETE FROM " + e.list.SQL() + " u USING " + e.counted.table.Sync.SQL() + " s WHERE " + e.list.holds() +
		" AND s.__id = u.__id AND age(s.xmin) <= age($1::text::xid)"
	if _, err := tx.Exec(ctx, confirmed, e.counted.sinceTransaction); err != nil {
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
