package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// TableCount is what a resynchronization has come to in one table: how many rows
// are current, how many of them are confirmed.
type TableCount struct {
	Table              change.Table
	Current, Confirmed int64
	// Ended is how many rows this run of endsync has ended.
	Ended int64
	// Sample are the keys of some rows that are not confirmed, as (1,a), in a
	// dry run.
	Sample []string
}

// Unconfirmed are the rows that endsync ends.
func (c TableCount) Unconfirmed() int64 { return c.Current - c.Confirmed }

// unconfirmedShare is the part of the rows that is not confirmed, from 0 to 1.
func (c TableCount) unconfirmedShare() float64 {
	if c.Current == 0 {
		return 0
	}
	return float64(c.Unconfirmed()) / float64(c.Current)
}

// hasNoneConfirmed reports whether nothing of a table that has rows is confirmed: perhaps
// the new snapshot does not have it at all.
func (c TableCount) hasNoneConfirmed() bool { return c.Current > 0 && c.Confirmed == 0 }

// countedTable is a table as endsync found it.
type countedTable struct {
	table *catalog.Table
	count TableCount
	// number is its place among the tables, and of its list among theirs.
	number int
	// unconfirmedList has the rows that are not confirmed; nil if there are none.
	unconfirmedList *list
	// newestID is the highest id that was looked at, since the first transaction
	// whose work may not have been seen.
	newestID         int64
	sinceTransaction string
}

// maxSampleKeys is how many keys of unconfirmed rows are shown.
const maxSampleKeys = 3

// countRows finds the rows of the tables that are not confirmed, and counts all of
// them. The stream may go on meanwhile: endRows looks again at what it has
// changed.
func (s *syncState) countRows(ctx context.Context, db *pgx.Conn, o EndsyncOptions) ([]*countedTable, error) {
	found := make([]*countedTable, len(s.tables))
	permanent := false // where one temporary table is refused, no other is tried
	for i, t := range s.tables {
		found[i] = &countedTable{table: t, number: i, count: TableCount{Table: t.Name}}
		err := retryTransaction(ctx, db, o.LockTimeout, fmt.Sprintf("count the rows of table %s", t.Name), nil, func(tx pgx.Tx) error {
			if !s.keepsConfirmed {
				return found[i].countCurrent(ctx, tx)
			}
			into := &list{number: i, permanent: permanent}
			err := found[i].findUnconfirmed(ctx, tx, &s.confirmationValidity, into)
			permanent = into.permanent
			if err != nil || found[i].unconfirmedList == nil || !o.DryRun {
				return err
			}
			// Only a dry run shows them: it costs another pass.
			found[i].count.Sample, err = found[i].readSampleKeys(ctx, tx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// countCurrent counts the current rows. Where the ids of confirmed rows are not kept, all
// of them count as confirmed.
func (t *countedTable) countCurrent(ctx context.Context, tx pgx.Tx) error {
	sql := "SELECT count(*), coalesce(max(__id), 0) FROM " + t.table.Current.SQL()
	if err := tx.QueryRow(ctx, sql).Scan(&t.count.Current, &t.newestID); err != nil {
		return err
	}
	t.count.Confirmed = t.count.Current
	return nil
}

// findUnconfirmed finds the unconfirmed rows of a table in one pass, and puts them into a
// list. An id may have been confirmed more than once, and rows that are no longer
// current too.
func (t *countedTable) findUnconfirmed(ctx context.Context, tx pgx.Tx, c *confirmationValidity, into *list) error {
	t.unconfirmedList = nil
	if err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text").Scan(&t.sinceTransaction); err != nil {
		return err
	}
	if err := t.countCurrent(ctx, tx); err != nil {
		return err
	}
	n, err := into.fill(ctx, tx, "SELECT c.__id, c.__start FROM "+t.table.Current.SQL()+" c WHERE "+c.isUnconfirmedSQL(t.table))
	if err != nil || n == 0 {
		return err
	}
	// The stream may have added rows between the two statements.
	t.count.Current = max(t.count.Current, n)
	t.count.Confirmed = t.count.Current - n
	t.unconfirmedList = into
	return nil
}

// readSampleKeys returns the keys of some rows that are not confirmed, the lowest ones.
func (t *countedTable) readSampleKeys(ctx context.Context, tx pgx.Tx) ([]string, error) {
	key := make([]string, len(t.table.Key))
	for i, column := range t.table.Key {
		key[i] = "c." + t.table.Columns[column].Stored.SQL()
	}
	if len(key) == 0 {
		return nil, nil
	}
	columns := strings.Join(key, ", ")
	rows, err := tx.Query(ctx, "SELECT ROW("+columns+")::text FROM "+t.unconfirmedList.SQL()+" u JOIN "+t.table.Current.SQL()+
		" c ON c.__id = u.__id WHERE "+t.unconfirmedList.holds()+" ORDER BY "+columns+" LIMIT $1", maxSampleKeys)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// tableCounts returns what was counted, as it stands.
func tableCounts(tables []*countedTable) []TableCount {
	counts := make([]TableCount, len(tables))
	for i, t := range tables {
		counts[i] = t.count
	}
	return counts
}

// sumCounts adds up the counts.
func sumCounts(counts []TableCount) TableCount {
	var sum TableCount
	for _, c := range counts {
		sum.Current += c.Current
		sum.Confirmed += c.Confirmed
		sum.Ended += c.Ended
	}
	return sum
}
