package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// refuseRejected refuses while events are rejected that may belong to rows which
// are at the source.
func (s *state) refuseRejected(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions) error {
	found, err := s.rejected(ctx, db)
	if err != nil || found == "" {
		return err
	}
	told := "rejected events may have kept rows from being confirmed: " + found
	if o.ForceUnconfirmed || o.DryRun {
		front.Warn(told)
		return nil
	}
	return &DoubtError{Message: told, Remedy: "retry or purge them, or use ", Rejected: true}
}

// refuseDoubtful refuses where it is not known which rows are confirmed.
func (s *state) refuseDoubtful(front Front, o EndsyncOptions) error {
	told := s.doubt()
	if told == "" {
		return nil
	}
	if o.ForceUnconfirmed || o.DryRun {
		front.Warn(told)
		return nil
	}
	return &DoubtError{Message: told, Remedy: "begin the synchronization again and take a new snapshot, or use ", NewSnapshot: true}
}

// rejected returns, in words, the rejected events of this resynchronization that
// may have kept rows from being confirmed; empty if there are none. One whose
// table is not known may be of any table.
func (s *state) rejected(ctx context.Context, db *pgx.Conn) (string, error) {
	rows, err := db.Query(ctx, `
SELECT coalesce(schema_name || '.', '') || coalesce(table_name, ''), count(*)
  FROM metadb.rejected_event
 WHERE source_name = $1 AND unconfirmed AND rejected_time >= $4
   AND ($3 = '' OR table_name IS NULL OR schema_name = $2 AND table_name = $3)
 GROUP BY 1 ORDER BY 1`, s.args(s.started)...)
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

// DoubtError says why endsync does not end what has not been confirmed unless it
// is forced to: docs/spec/06-synchronization.md#endsync. Remedy is what helps; it ends where the option to force
// it is to be named.
type DoubtError struct {
	Message, Remedy string
	// Detail names tables, if any are to be named.
	Detail string
	// Rejected says that events were rejected, NewSnapshot that only a new snapshot says
	// which rows are there; neither is asked about.
	Rejected, NewSnapshot bool
}

// Error names the option of the command line.
func (e *DoubtError) Error() string { return e.Message + "; " + e.Remedy + "--force-unconfirmed" }
