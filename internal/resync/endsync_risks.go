package resync

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// refuseRejected returns a [*RiskError] if rejected events may have kept rows at the source
// from being confirmed. A forced or dry run gets a warning instead.
func (e *ending) refuseRejected(ctx context.Context) error {
	found, err := e.state.describeRejected(ctx, e.db)
	if err != nil || found == "" {
		return err
	}
	doubt := doubtRejected(found)
	if e.options.ForceUnconfirmed || e.options.DryRun {
		e.prompter.Warn(doubt.Message)
		return nil
	}
	return doubt
}

// doubtRejected returns the error about rejected events, which found describes.
func doubtRejected(found string) *RiskError {
	return &RiskError{
		Message: "rejected events may have kept rows from being confirmed: " + found,
		Remedy:  "retry or purge them, or use ", Rejected: true,
	}
}

// checkDoubts is the check of the transactions of endsync, to be made before they end anything and
// while no batch is applied. Since the state was loaded the stream may have brought another attempt
// of the snapshot, or rejected records that may belong to any row; ForceUnconfirmed allows the
// latter.
func (e *ending) checkDoubts(ctx context.Context, db Querier) error {
	s := e.state
	if err := s.checkSameAttempt(ctx, db); err != nil || !s.validity.keepsConfirmed || e.options.ForceUnconfirmed {
		return err
	}
	found, err := s.describeRejected(ctx, db)
	if err != nil || found == "" {
		return err
	}
	return doubtRejected(found)
}

// refuseUnclear returns a [*RiskError] if the confirmed rows can't be determined. A forced or
// dry run gets a warning instead.
func (e *ending) refuseUnclear() error {
	told := e.state.unclearReason()
	if told == "" {
		return nil
	}
	if e.options.ForceUnconfirmed || e.options.DryRun {
		e.prompter.Warn(told)
		return nil
	}
	return &RiskError{Message: told, Remedy: "begin the synchronization again and take a new snapshot, or use ", NewSnapshot: true}
}

// describeRejected returns a text about the rejected events of this resynchronization that may
// have kept rows from being confirmed; empty without any. An event of unknown table may be of
// any table.
func (s *syncState) describeRejected(ctx context.Context, db Querier) (string, error) {
	rows, err := db.Query(ctx, `
SELECT coalesce(schema_name || '.', '') || coalesce(table_name, ''), count(*)
  FROM metadb.rejected_event
 WHERE source_name = $1 AND unconfirmed AND rejected_time >= $4
   AND ($3 = '' OR table_name IS NULL OR schema_name = $2 AND table_name = $3)
 GROUP BY 1 ORDER BY 1`, s.target.keyArgs(s.started)...)
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

// RiskError is the reason why endsync does not end unconfirmed rows unless it is forced to:
// docs/spec/06-synchronization.md#endsync. Remedy is advice, after which the text names the
// option that forces it.
type RiskError struct {
	Message, Remedy string
	// Detail lists tables; it may be empty.
	Detail string
	// Rejected is true if events were rejected, NewSnapshot if a new snapshot is needed to
	// determine the confirmed rows. In both cases endsync puts no question.
	Rejected, NewSnapshot bool
}

// Error returns the message with the option of the command line.
func (e *RiskError) Error() string { return e.Message + "; " + e.Remedy + "--force-unconfirmed" }
