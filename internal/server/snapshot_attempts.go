package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline"
	"metadb/internal/resync"
)

// observeAttempts updates the stream after a batch with news of attempts of snapshots. After a
// new attempt the snapshot is not complete any more, and rows are counted again. If the scope
// can't be loaded, it is loaded before the next batch.
func (s *stream) observeAttempts(ctx context.Context, batch *change.Batch) {
	s.noteUnexpectedSnapshot(batch)
	noted, anew := false, false
	for _, news := range batch.Snapshots {
		noted, anew = noted || news.AttemptsChanged || news.KeepsConfirmed, anew || news.NewAttempt
	}
	if !noted {
		return
	}
	if err := s.loadScope(context.WithoutCancel(ctx)); err != nil {
		s.logger.Warn(fmt.Sprintf("source %q: %v", s.startOptions.Name, err))
		return
	}
	if anew {
		s.countConfirmed()
	}
}

// attemptsText returns the snapshots that the connector has begun anew, "" if there are no such
// ones.
func attemptsText(now *resync.Scope) string {
	var lines []string
	for target, snapshot := range now.Snapshots() {
		subject := ""
		if !target.Whole() {
			subject = target.String() + ": "
		}
		if snapshot.GivenUp != 0 {
			lines = append(lines, subject+pipeline.SnapshotRestartedText(snapshot.Attempts.Current.Time, snapshot.GivenUp))
		}
		if snapshot.Attempts.Ambiguous {
			lines = append(lines, subject+"the connector began its snapshot twice with the same lsn and txId: a new one is needed")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

// noteUnexpectedSnapshot shows in the status that a snapshot came without a synchronization, so
// that rows which are gone at the source are still current.
func (s *stream) noteUnexpectedSnapshot(batch *change.Batch) {
	if len(s.scope.currentScope().Targets()) > 0 {
		return
	}
	for i := range batch.Events {
		e := &batch.Events[i]
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental {
			s.state.SetUnexpectedSnapshot(fmt.Sprintf("a snapshot came while no synchronization was on (at %s): rows that are gone at the source stay; to find them: sync data source %s, and a new snapshot",
				e.Time.UTC().Format(time.DateTime), s.startOptions.Name))
			return
		}
	}
}
