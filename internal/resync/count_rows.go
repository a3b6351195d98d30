package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// TableCount has the numbers of current and of confirmed rows of one table.
type TableCount struct {
	Table              change.Table
	Current, Confirmed int64
	// Ended is the number of rows that this run of endsync has ended.
	Ended int64
	// Sample has the keys of some unconfirmed rows, each as (1,a); filled in a dry run only.
	Sample []string
}

// Unconfirmed returns the number of rows that endsync ends.
func (c TableCount) Unconfirmed() int64 { return c.Current - c.Confirmed }

// unconfirmedShare returns the share of unconfirmed rows, from 0 to 1.
func (c TableCount) unconfirmedShare() float64 {
	if c.Current == 0 {
		return 0
	}
	return float64(c.Unconfirmed()) / float64(c.Current)
}

// hasNoneConfirmed reports whether a table has rows but no confirmed one. The new snapshot may
// not contain such a table.
func (c TableCount) hasNoneConfirmed() bool { return c.Current > 0 && c.Confirmed == 0 }

// countedTable is a table with the result of counting its rows.
type countedTable struct {
	table *catalog.Table
	count TableCount
	// number is the index of the table, and the number of its list.
	number int
	// unconfirmedList has the unconfirmed rows; nil without any.
	unconfirmedList *list
	// newestID is the highest row id when the rows were counted, sinceTransaction the oldest
	// transaction that had not ended then. Later rows and confirmations may be missing in the
	// counts.
	newestID         int64
	sinceTransaction string
}

// maxSampleKeys is the highest number of sample keys of a table.
const maxSampleKeys = 3

// countRows counts the rows of the tables and lists the unconfirmed ones. The stream may change
// rows meanwhile: endRows checks them again.
func (e *ending) countRows(ctx context.Context) error {
	e.tables = make([]*countedTable, len(e.state.tables))
	permanent := false // once a temporary table is refused, no other is tried
	for i, t := range e.state.tables {
		counted := &countedTable{table: t, number: i, count: TableCount{Table: t.Name}}
		e.tables[i] = counted
		err := retryTransaction(ctx, e.db, e.options.LockTimeout, fmt.Sprintf("count the rows of table %s", t.Name), nil, func(tx pgx.Tx) error {
			if !e.state.validity.keepsConfirmed {
				return counted.countCurrent(ctx, tx)
			}
			into := &list{number: i, permanent: permanent}
			err := counted.findUnconfirmed(ctx, tx, &e.state.validity, into)
			permanent = into.permanent
			if err != nil || counted.unconfirmedList == nil || !e.options.DryRun {
				return err
			}
			// Only a dry run shows them: reading them takes another pass.
			counted.count.Sample, err = counted.readSampleKeys(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// countCurrent counts the current rows and counts all of them as confirmed, as they are where
// the ids of confirmed rows are not stored.
func (t *countedTable) countCurrent(ctx context.Context, tx pgx.Tx) error {
	sql := "SELECT count(*), coalesce(max(__id), 0) FROM " + t.table.Current.SQL()
	if err := tx.QueryRow(ctx, sql).Scan(&t.count.Current, &t.newestID); err != nil {
		return err
	}
	t.count.Confirmed = t.count.Current
	return nil
}

// findUnconfirmed lists the unconfirmed rows of a table in one pass. It counts these, not the
// confirmations: an id may be confirmed more than once, and so may rows that are not current
// any more.
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

// readSampleKeys returns the lowest keys among the unconfirmed rows.
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

// tableCounts returns the present counts of the tables.
func tableCounts(tables []*countedTable) []TableCount {
	counts := make([]TableCount, len(tables))
	for i, t := range tables {
		counts[i] = t.count
	}
	return counts
}

// sumCounts returns the sums of the counts.
func sumCounts(counts []TableCount) TableCount {
	var sum TableCount
	for _, c := range counts {
		sum.Current += c.Current
		sum.Confirmed += c.Confirmed
		sum.Ended += c.Ended
	}
	return sum
}
