package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/pipeline"
	"metadb/internal/resync"
	"metadb/internal/target/apply"
)

// statusReporter maintains the status of a stream, which list status shows.
type statusReporter struct {
	*stream
	changes confirmedChanges
}

var _ pipeline.Reporter = (*statusReporter)(nil)

// reportNoTopic shows that no topic matches yet.
func (r *statusReporter) reportNoTopic(why error) { r.state.SetStream(status.Waiting, why.Error()) }

// Active implements pipeline.Reporter.
func (r *statusReporter) Active() { r.state.SetStream(status.Active, "") }

// Failed implements pipeline.Reporter.
func (r *statusReporter) Failed(err error) {
	var parked *pipeline.ParkedError
	if !errors.As(err, &parked) {
		r.state.SetStream(status.Error, err.Error())
		r.state.SetBlockers(blockersIn(err))
		return
	}
	names := make([]string, len(parked.Tables))
	for i, table := range parked.Tables {
		names[i] = table.String()
	}
	r.state.SetParked(names, err.Error())
	r.state.SetBlockers(blockersIn(parked.Causes...))
}

// Applied implements pipeline.Reporter.
func (r *statusReporter) Applied(outcome change.Outcome, last time.Time) {
	more := 0
	if now := r.scope.currentScope(); now.Mode() != resync.Normal && now.KeepsConfirmed() { // both the scope and the outcome are of all tables
		more = outcome.Written - outcome.Ended
	}
	r.scope.appliedSinceCount.Store(true)
	surely := func(confirmed, byChange int) int64 {
		if r.scope.countsEstimated.Load() {
			return int64(confirmed)
		}
		return int64(confirmed - byChange)
	}
	r.state.ConfirmedRows().Add(surely(outcome.Confirmed, outcome.ConfirmedByChange), int64(more))
	for table, tally := range outcome.Tables {
		var at time.Time
		if tally.LastEventTime != 0 {
			at = tally.LastEventTime.UTC()
		}
		if tally.Written > 0 || tally.Confirmed > 0 {
			r.state.SkippedTables().HasKey(table.String())
		}
		r.state.TableApplied(table.String(), at, surely(tally.Confirmed, tally.ConfirmedByChange), int64(tally.Written-tally.Ended))
	}
	r.state.Applied(int64(outcome.Applied), int64(outcome.Rejected), last)
}

// Lag implements pipeline.Reporter.
func (r *statusReporter) Lag(records int64) {
	r.state.SetLag(records)
	if records == 0 {
		r.changes.pruneConfirmed(r.ctx, r.stream, time.Now())
	}
}

// Gap implements pipeline.Reporter.
func (r *statusReporter) Gap(found change.Gap) { r.recordGap(r.ctx, found) }

// Missing implements pipeline.Reporter.
func (r *statusReporter) Missing(events change.Gap) {
	if r.state.AddGap(events) {
		r.logger.Warn(fmt.Sprintf("source %q: gap in the stream: %s", r.startOptions.Name, events.Reason))
	}
}

// Skipped implements pipeline.Reporter.
func (r *statusReporter) Skipped(source, target change.Table) bool {
	return r.state.SkippedTables().Add(source.String(), target.String())
}

// Refused implements pipeline.Reporter.
func (r *statusReporter) Refused(refusal string) bool { return r.state.Refuse(refusal) }

// SnapshotComplete implements pipeline.Reporter. It stores the completion, so that it is reported
// once. A completion that a record reports has been stored with the record's batch.
func (r *statusReporter) SnapshotComplete(ctx context.Context, snapshot pipeline.ExpectedSnapshot, how pipeline.Completion) error {
	news := change.SnapshotProgress{Since: snapshot.Since, Complete: string(how)}
	if err := apply.StoreSnapshot(ctx, r.pool, apply.Snapshot{Source: r.startOptions.Name, Table: snapshot.Table}, news); err != nil {
		return err
	}
	if err := r.loadScope(ctx); err != nil {
		return err
	}
	r.analyzer.Request(r.startOptions.Name)
	return nil
}
