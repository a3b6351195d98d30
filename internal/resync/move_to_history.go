package resync

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// sliceBlocks is how many blocks of the list of unconfirmed rows are dealt with
// by one statement: some 20,000 rows, which PostgreSQL keeps in memory on their
// way.
const sliceBlocks = 128

// disableJoinsSQL has PostgreSQL look up the rows of a slice by their ids: the list is
// in the order of the table, but its statistics don't say so.
const disableJoinsSQL = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

// moveToHistory moves the rows of the list, and returns their latest end, nil if there
// was none.
func (e *unconfirmedEnding) moveToHistory(ctx context.Context, tx pgx.Tx, t *catalog.Table, years []int) (*time.Time, error) {
	blocks, err := e.countBlocks(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, disableJoinsSQL); err != nil {
		return nil, err
	}
	sql := e.moveSliceSQL(t, years)
	for from := int64(0); from < blocks; from += sliceBlocks {
		moved, err := tx.Exec(ctx, sql, e.at, blockStart(from), blockStart(from+sliceBlocks))
		if err != nil {
			return nil, err
		}
		if n := moved.RowsAffected(); n > 0 {
			e.count.Ended += n
			e.progress(e.count.Ended)
		}
	}
	if e.count.Ended == 0 {
		return nil, nil
	}
	var last time.Time
	err = tx.QueryRow(ctx, "SELECT greatest($1::timestamptz, max(__start)) FROM "+e.list.SQL()+" u WHERE "+e.list.holds(), e.at).Scan(&last)
	return &last, err
}

// countBlocks returns how many blocks the list has.
func (e *unconfirmedEnding) countBlocks(ctx context.Context, tx pgx.Tx) (n int64, err error) {
	const sql = "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::bigint"
	err = tx.QueryRow(ctx, sql, e.list.SQL()).Scan(&n)
	return n, err
}

// blockStart is the place before the first row of a block, as text.
func blockStart(block int64) string { return fmt.Sprintf("(%d,0)", block) }

// moveSliceSQL returns the statement that moves the rows of a slice of the list to
// history.
func (e *unconfirmedEnding) moveSliceSQL(t *catalog.Table, years []int) string {
	into := t.History
	if len(years) == 1 && t.OwnsYear(years[0]) { // which spares PostgreSQL looking for it
		into = t.Year(years[0])
	}
	names, brought := ident.Metadata(), ""
	for _, c := range t.Columns {
		names, brought = append(names, c.Stored), brought+", c."+c.Stored.SQL()
	}
	return strings.Join([]string{
		"WITH gone AS (DELETE FROM", t.Current.SQL(), "c USING", e.list.SQL(), "u",
		"WHERE", e.list.holds(), "AND u.ctid >= $2::text::tid AND u.ctid < $3::text::tid AND u.__id = c.__id",
		"RETURNING c.__id, c.__start, c.__origin" + brought + ")",
		"INSERT INTO", into.SQL(), "(" + ident.List(names) + ")",
		"SELECT c.__id, c.__start, greatest($1::timestamptz, c.__start), false, c.__origin" + brought, "FROM gone c",
	}, " ")
}
