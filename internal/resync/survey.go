package resync

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ident"
)

// Count is what a resynchronization has come to in one table: how many rows
// are current, how many of them are confirmed.
type Count struct {
	Table              change.Table
	Current, Confirmed int64
}

// Unconfirmed are the rows that endsync ends.
func (c Count) Unconfirmed() int64 { return c.Current - c.Confirmed }

// survey counts the rows of the tables.
func survey(ctx context.Context, db *pgx.Conn, tables []*catalog.Table, patience time.Duration) ([]Count, error) {
	counts := make([]Count, len(tables))
	for i, t := range tables {
		counts[i].Table = t.Name
		// An id may have been confirmed more than once, and rows that are
		// no longer current too.
		sql := "SELECT (SELECT count(*) FROM " + t.Current.SQL() + "), (SELECT count(*) FROM " + t.Current.SQL() + " c WHERE " + isConfirmed(t) + ")"
		err := transact(ctx, db, patience, fmt.Sprintf("count the rows of table %s", t.Name), func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, sql).Scan(&counts[i].Current, &counts[i].Confirmed)
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// isConfirmed is the condition that a row c of the table has been seen by the
// resynchronization.
func isConfirmed(t *catalog.Table) string {
	return "EXISTS (SELECT FROM " + t.Sync.SQL() + " s WHERE s." + ident.ID.SQL() + " = c." + ident.ID.SQL() + ")"
}

// total adds up the counts.
func total(counts []Count) Count {
	var sum Count
	for _, c := range counts {
		sum.Current += c.Current
		sum.Confirmed += c.Confirmed
	}
	return sum
}

// rejected returns, in words, the rejected events of this resynchronization that
// may have kept rows from being confirmed; empty if there are none.
func (s *state) rejected(ctx context.Context, db *pgx.Conn) (string, error) {
	rows, err := db.Query(ctx, `
SELECT coalesce(schema_name || '.', '') || coalesce(table_name, ''), count(*)
  FROM metadb.rejected_event
 WHERE source_name = $1 AND unconfirmed AND rejected_time >= $2
 GROUP BY 1 ORDER BY 1`, s.name(), s.started)
	if err != nil {
		return "", fmt.Errorf("count rejected events: %w", err)
	}
	var found []string
	var table string
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&table, &count}, func() error {
		if table == "" {
			found = append(found, fmt.Sprintf("%d of unknown table", count))
		} else {
			found = append(found, fmt.Sprintf("%d of table %s", count, table))
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("count rejected events: %w", err)
	}
	return strings.Join(found, ", "), nil
}
