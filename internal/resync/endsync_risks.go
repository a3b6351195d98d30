package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// refuseRejected refuses while events are rejected that may belong to rows which
// are at the source.
func (s *syncState) refuseRejected(ctx context.Context, db *pgx.Conn, prompter Prompter, o EndsyncOptions) error {
	found, err := s.describeRejected(ctx, db)
	if err != nil || found == "" {
		return err
	}
	doubt := doubtRejected(found)
	if o.ForceUnconfirmed || o.DryRun {
		prompter.Warn(doubt.Message)
		return nil
	}
	return doubt
}

// doubtRejected is the doubt that rejected events leave, which found names.
func doubtRejected(found string) *RiskError {
	return &RiskError{
		Message: "rejected events may have kept rows from being confirmed: " + found,
		Remedy:  "retry or purge them, or use ", Rejected: true,
	}
}

// checkDoubts returns a check that a transaction of endsync makes before it ends anything,
// while no batch is applied: the stream may have brought another attempt of the snapshot
// since the state was read, or a record whose row can't be told. Where it is forced to, it
// goes on in spite of such records.
func (s *syncState) checkDoubts(o EndsyncOptions) func(ctx context.Context, db Querier) error {
	return func(ctx context.Context, db Querier) error {
		if err := s.checkSameAttempt(ctx, db); err != nil || !s.keepsConfirmed || o.ForceUnconfirmed {
			return err
		}
		found, err := s.describeRejected(ctx, db)
		if err != nil || found == "" {
			return err
		}
		return doubtRejected(found)
	}
}

// refuseUnclear refuses where it is not known which rows are confirmed.
func (s *syncState) refuseUnclear(prompter Prompter, o EndsyncOptions) error {
	told := s.unclearReason()
	if told == "" {
		return nil
	}
	if o.ForceUnconfirmed || o.DryRun {
		prompter.Warn(told)
		return nil
	}
	return &RiskError{Message: told, Remedy: "begin the synchronization again and take a new snapshot, or use ", NewSnapshot: true}
}

// describeRejected returns, in words, the rejected events of this resynchronization that
// may have kept rows from being confirmed; empty if there are none. One whose
// table is not known may be of any table.
func (s *syncState) describeRejected(ctx context.Context, db Querier) (string, error) {
	rows, err := db.Query(ctx, `
SELECT coalesce(schema_name || '.', '') || coalesce(table_name, ''), count(*)
  FROM metadb.rejected_event
 WHERE source_name = $1 AND unconfirmed AND rejected_time >= $4
   AND ($3 = '' OR table_name IS NULL OR schema_name = $2 AND table_name = $3)
 GROUP BY 1 ORDER BY 1`, s.keyArgs(s.started)...)
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

// RiskError says why endsync does not end what has not been confirmed unless it
// is forced to: docs/spec/06-synchronization.md#endsync. Remedy is what helps; it ends where the option to force
// it is to be named.
type RiskError struct {
	Message, Remedy string
	// Detail names tables, if any are to be named.
	Detail string
	// Rejected says that events were rejected, NewSnapshot that only a new snapshot says
	// which rows are there; neither is asked about.
	Rejected, NewSnapshot bool
}

// Error names the option of the command line.
func (e *RiskError) Error() string { return e.Message + "; " + e.Remedy + "--force-unconfirmed" }
