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

// sliceBlocks is the number of blocks of the list that one statement moves: about 20,000 rows,
// which PostgreSQL keeps in memory meanwhile.
const sliceBlocks = 128

// disableJoinsSQL makes PostgreSQL look up the rows of a slice by their ids. The list has the
// order of the table, which its statistics do not show.
const disableJoinsSQL = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

// moveToHistory moves the rows of the list to history, and returns their latest end; nil if no
// row has moved.
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
			e.counted.count.Ended += n
			e.progress(e.counted.count.Ended)
		}
	}
	if e.counted.count.Ended == 0 {
		return nil, nil
	}
	var last time.Time
	err = tx.QueryRow(ctx, "SELECT greatest($1::timestamptz, max(__start)) FROM "+e.list.SQL()+" u WHERE "+e.list.holds(), e.at).Scan(&last)
	return &last, err
}

// countBlocks returns the number of the list's blocks.
func (e *unconfirmedEnding) countBlocks(ctx context.Context, tx pgx.Tx) (n int64, err error) {
	const sql = "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::bigint"
	err = tx.QueryRow(ctx, sql, e.list.SQL()).Scan(&n)
	return n, err
}

// blockStart returns the ctid before the first row of a block, as text.
func blockStart(block int64) string { return fmt.Sprintf("(%d,0)", block) }

// moveSliceSQL returns the statement that moves the rows of a slice of the list to history.
func (e *unconfirmedEnding) moveSliceSQL(t *catalog.Table, years []int) string {
	into := t.History
	if len(years) == 1 && t.OwnsYear(years[0]) { // saves PostgreSQL the routing of rows
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
