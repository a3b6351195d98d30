package resync

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ddl"
	"metadb/internal/ident"
)

// endUnconfirmed ends the rows that were not confirmed, one table after the
// other. A table that an earlier run has dealt with has none left.
func (s *state) endUnconfirmed(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions, counts []Count) error {
	at, err := s.endTime(ctx, db)
	if err != nil {
		return err
	}
	done, all := int64(0), total(counts).Unconfirmed()
	for i, t := range s.tables {
		if counts[i].Unconfirmed() == 0 {
			continue
		}
		var after *catalog.Table
		var ended int64
		err := transact(ctx, db, o.Patience, fmt.Sprintf("end the unconfirmed rows of table %s", t.Name), func(tx pgx.Tx) error {
			var err error
			after, ended, err = endRows(ctx, tx, t, at)
			return err
		})
		if err != nil {
			return err
		}
		s.store.Publish(after)
		s.tables[i] = after
		done += ended
		front.Progress(t.Name, done, all)
	}
	return nil
}

// endTime returns the time that ended rows get: that of the first run.
func (s *state) endTime(ctx context.Context, db *pgx.Conn) (time.Time, error) {
	const sql = `
INSERT INTO metadb.resync AS r (source_name, started_at, endsync_time) VALUES ($1, $2, clock_timestamp())
ON CONFLICT (source_name) DO UPDATE SET endsync_time = coalesce(r.endsync_time, excluded.endsync_time)
RETURNING endsync_time`
	var at time.Time
	if err := db.QueryRow(ctx, sql, s.name(), s.started).Scan(&at); err != nil {
		return at, fmt.Errorf("store the time of the end: %w", err)
	}
	return at, nil
}

// endRows moves the unconfirmed rows of a table to history. They keep their id,
// and none ends before it began.
func endRows(ctx context.Context, tx pgx.Tx, t *catalog.Table, at time.Time) (*catalog.Table, int64, error) {
	// Nobody may write a row of a year that is not looked at.
	if _, err := tx.Exec(ctx, "LOCK TABLE "+t.Current.SQL()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return nil, 0, err
	}
	years, err := unconfirmedYears(ctx, tx, t)
	if err != nil {
		return nil, 0, err
	}
	after, err := ddl.EnsureYears(ctx, tx, t, years)
	if err != nil {
		return nil, 0, err
	}
	var ended int64
	var last *time.Time
	if err := tx.QueryRow(ctx, endSQL(t), at).Scan(&ended, &last); err != nil {
		return nil, 0, err
	}
	if last == nil {
		return after, 0, nil
	}
	_, err = tx.Exec(ctx, "UPDATE metadb.target_table SET last_end = greatest(last_end, $3) WHERE schema_name = $1 AND table_name = $2",
		t.Name.Schema, t.Name.Name, *last)
	after = after.Clone()
	after.LastEnd = max(after.LastEnd, change.Micros(last.UnixMicro()))
	return after, ended, err
}

// endSQL returns the statement that ends the unconfirmed rows. Its parameter is
// the time; it answers how many there were, and their latest end.
func endSQL(t *catalog.Table) string {
	names := make([]ident.Name, 0, len(t.Columns))
	for _, c := range t.Columns {
		names = append(names, c.Stored)
	}
	columns, returned := "", ""
	if len(names) > 0 {
		columns = ", " + ident.List(names)
		for _, name := range names {
			returned += ", c." + name.SQL()
		}
	}
	return strings.Join([]string{
		"WITH gone AS (DELETE FROM", t.Current.SQL(), "c WHERE NOT", isConfirmed(t),
		"RETURNING c.__id, c.__start, greatest($1::timestamptz, c.__start) AS at, c.__origin" + returned + "),",
		"kept AS (INSERT INTO", t.History.SQL(), "(" + ident.List(ident.Metadata()) + columns + ")",
		"SELECT __id, __start, at, false, __origin" + columns, "FROM gone RETURNING __end)",
		"SELECT count(*), max(__end) FROM kept",
	}, " ")
}

// unconfirmedYears returns the years in which the unconfirmed rows began.
func unconfirmedYears(ctx context.Context, tx pgx.Tx, t *catalog.Table) ([]int, error) {
	rows, err := tx.Query(ctx, "SELECT DISTINCT extract(year FROM c.__start AT TIME ZONE 'UTC')::int FROM "+t.Current.SQL()+" c WHERE NOT "+isConfirmed(t))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}
