package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metadb/internal/change"
	"metadb/internal/history"
	"metadb/internal/pipeline"
	"metadb/internal/resync"
	"metadb/internal/status"
)

// reporter keeps what list status shows of a stream.
type reporter struct {
	*stream
	changes confirmedChanges
}

var _ pipeline.Reporter = (*reporter)(nil)

// waiting says that no topic matches yet.
func (r *reporter) waiting(why error) { r.state.SetStream(status.Waiting, why.Error()) }

// Active implements pipeline.Reporter.
func (r *reporter) Active() { r.state.SetStream(status.Active, "") }

// Failed implements pipeline.Reporter.
func (r *reporter) Failed(err error) {
	var parked *pipeline.ParkedError
	if !errors.As(err, &parked) {
		r.state.SetStream(status.Error, err.Error())
		r.state.SetBlockers(blockersOf(err))
		return
	}
	names := make([]string, len(parked.Tables))
	for i, table := range parked.Tables {
		names[i] = table.String()
	}
	r.state.SetParked(names, err.Error())
	r.state.SetBlockers(blockersOf(parked.Causes...))
}

// Applied implements pipeline.Reporter.
func (r *reporter) Applied(outcome change.Outcome, last time.Time) {
	more := 0
	if now := r.scope.get(); now.Mode() != resync.Normal && now.Keeps() { // of all tables, as the outcome is
		more = outcome.Written - outcome.Ended
	}
	r.scope.moved.Store(true)
	surely := func(confirmed, byChange int) int64 {
		if r.scope.guesses.Load() {
			return int64(confirmed)
		}
		return int64(confirmed - byChange)
	}
	r.state.Confirmed(surely(outcome.Confirmed, outcome.ConfirmedByChange), int64(more))
	for table, tally := range outcome.Tables {
		var at time.Time
		if tally.Last != 0 {
			at = time.UnixMicro(int64(tally.Last)).UTC()
		}
		if tally.Written > 0 || tally.Confirmed > 0 {
			r.state.HasKey(table.String())
		}
		r.state.TableApplied(table.String(), at, surely(tally.Confirmed, tally.ConfirmedByChange), int64(tally.Written-tally.Ended))
	}
	r.state.Applied(int64(outcome.Applied), int64(outcome.Rejected), last)
}

// Lag implements pipeline.Reporter.
func (r *reporter) Lag(records int64) {
	r.state.SetLag(records)
	if records == 0 {
		r.changes.forget(r.life, r.stream, time.Now())
	}
}

// Gap implements pipeline.Reporter.
func (r *reporter) Gap(found change.Gap) { r.recordGap(r.life, found) }

// Missing implements pipeline.Reporter.
func (r *reporter) Missing(events change.Gap) {
	if r.state.AddGap(events) {
		r.logger.Warn(fmt.Sprintf("source %q: gap in the stream: %s", r.captured.Name, events.Reason))
	}
}

// Skipped implements pipeline.Reporter.
func (r *reporter) Skipped(source, target change.Table) bool {
	return r.state.Skip(source.String(), target.String())
}

// Refused implements pipeline.Reporter.
func (r *reporter) Refused(refusal string) bool { return r.state.Refuse(refusal) }

// SnapshotComplete implements pipeline.Reporter: it is remembered in the
// database, so that it is said once. Where a record says it, it has been
// remembered with the record's batch.
func (r *reporter) SnapshotComplete(ctx context.Context, snapshot pipeline.Awaited, how pipeline.Completion) error {
	news := change.SnapshotNews{Since: snapshot.Since, Complete: string(how)}
	if err := history.StoreSnapshot(ctx, r.pool, history.Snapshot{Source: r.captured.Name, Table: snapshot.Table}, news); err != nil {
		return err
	}
	if err := r.loadScope(ctx); err != nil {
		return err
	}
	r.queueAnalyze(r.captured.Name)
	return nil
}
