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

// observeAttempts has the stream see what a batch that was applied has told of attempts of
// snapshots: where one has begun, the snapshot is not complete any more, and rows are
// counted again. If that can't be read, it is read before the next batch.
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

// attemptsText says which snapshots the connector has begun anew; empty if there is none.
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

// noteUnexpectedSnapshot shows in the status that a snapshot has come while no synchronization was on:
// rows that are gone at the source are still here.
func (s *stream) noteUnexpectedSnapshot(batch *change.Batch) {
	if len(s.scope.currentScope().Targets()) > 0 {
		return
	}
	for i := range batch.Events {
		e := &batch.Events[i]
		if e.Snapshot != change.Streamed && e.Snapshot != change.Incremental {
			s.state.SetUnexpectedSnapshot(fmt.Sprintf("a snapshot came while no synchronization was on (at %s): rows that are gone at the source stay; to find them: sync data source %s, and a new snapshot",
				time.UnixMicro(int64(e.Time)).UTC().Format(time.DateTime), s.startOptions.Name))
			return
		}
	}
}
