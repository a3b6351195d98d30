package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
)

// Count is what a resynchronization has come to in one table: how many rows
// are current, how many of them are confirmed.
type Count struct {
	Table              change.Table
	Current, Confirmed int64
	// Ended is how many rows this run of endsync has ended.
	Ended int64
	// Sample are the keys of some rows that are not confirmed, as (1,a), in a
	// dry run.
	Sample []string
}

// Unconfirmed are the rows that endsync ends.
func (c Count) Unconfirmed() int64 { return c.Current - c.Confirmed }

// share is the part of the rows that is not confirmed, from 0 to 1.
func (c Count) share() float64 {
	if c.Current == 0 {
		return 0
	}
	return float64(c.Unconfirmed()) / float64(c.Current)
}

// missing reports whether nothing of a table that has rows is confirmed: perhaps
// the new snapshot does not have it at all.
func (c Count) missing() bool { return c.Current > 0 && c.Confirmed == 0 }

// surveyed is a table as endsync found it.
type surveyed struct {
	table *catalog.Table
	count Count
	// number is its place among the tables, and of its list among theirs.
	number int
	// unconfirmed has the rows that are not confirmed; nil if there are none.
	unconfirmed *list
	// newest is the highest id that was looked at, since the first transaction
	// whose work may not have been seen.
	newest int64
	since  string
}

// sampleKeys is how many keys of unconfirmed rows are shown.
const sampleKeys = 3

// survey finds the rows of the tables that are not confirmed, and counts all of
// them. The stream may go on meanwhile: endRows looks again at what it has
// changed.
func (s *state) survey(ctx context.Context, db *pgx.Conn, o EndsyncOptions) ([]*surveyed, error) {
	found := make([]*surveyed, len(s.tables))
	permanent := false // where one temporary table is refused, no other is tried
	for i, t := range s.tables {
		found[i] = &surveyed{table: t, number: i, count: Count{Table: t.Name}}
		err := transact(ctx, db, o.Patience, fmt.Sprintf("count the rows of table %s", t.Name), nil, func(tx pgx.Tx) error {
			if !s.keeps {
				return found[i].countCurrent(ctx, tx)
			}
			into := &list{number: i, permanent: permanent}
			err := found[i].look(ctx, tx, &s.counted, into)
			permanent = into.permanent
			if err != nil || found[i].unconfirmed == nil || !o.DryRun {
				return err
			}
			// Only a dry run shows them: it costs another pass.
			found[i].count.Sample, err = found[i].sample(ctx, tx)
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
func (t *surveyed) countCurrent(ctx context.Context, tx pgx.Tx) error {
	sql := "SELECT count(*), coalesce(max(__id), 0) FROM " + t.table.Current.SQL()
	if err := tx.QueryRow(ctx, sql).Scan(&t.count.Current, &t.newest); err != nil {
		return err
	}
	t.count.Confirmed = t.count.Current
	return nil
}

// look finds the unconfirmed rows of a table in one pass, and puts them into a
// list. An id may have been confirmed more than once, and rows that are no longer
// current too.
func (t *surveyed) look(ctx context.Context, tx pgx.Tx, c *counted, into *list) error {
	t.unconfirmed = nil
	if err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text").Scan(&t.since); err != nil {
		return err
	}
	if err := t.countCurrent(ctx, tx); err != nil {
		return err
	}
	n, err := into.fill(ctx, tx, "SELECT c.__id, c.__start FROM "+t.table.Current.SQL()+" c WHERE "+c.isUnconfirmed(t.table))
	if err != nil || n == 0 {
		return err
	}
	// The stream may have added rows between the two statements.
	t.count.Current = max(t.count.Current, n)
	t.count.Confirmed = t.count.Current - n
	t.unconfirmed = into
	return nil
}

// sample returns the keys of some rows that are not confirmed, the lowest ones.
func (t *surveyed) sample(ctx context.Context, tx pgx.Tx) ([]string, error) {
	key := make([]string, len(t.table.Key))
	for i, column := range t.table.Key {
		key[i] = "c." + t.table.Columns[column].Stored.SQL()
	}
	if len(key) == 0 {
		return nil, nil
	}
	columns := strings.Join(key, ", ")
	rows, err := tx.Query(ctx, "SELECT ROW("+columns+")::text FROM "+t.unconfirmed.SQL()+" u JOIN "+t.table.Current.SQL()+
		" c ON c.__id = u.__id WHERE "+t.unconfirmed.holds()+" ORDER BY "+columns+" LIMIT $1", sampleKeys)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// countsOf returns what was counted, as it stands.
func countsOf(tables []*surveyed) []Count {
	counts := make([]Count, len(tables))
	for i, t := range tables {
		counts[i] = t.count
	}
	return counts
}

// total adds up the counts.
func total(counts []Count) Count {
	var sum Count
	for _, c := range counts {
		sum.Current += c.Current
		sum.Confirmed += c.Confirmed
		sum.Ended += c.Ended
	}
	return sum
}
