package pipeline

import (
	"fmt"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// applyAttempts stores the attempts of snapshots that began in a batch, or a part of one,
// that has been applied, and logs them. It drops the batch's attempt records, so that the
// attempts are stored once.
func (p *pipeline) applyAttempts(b *batch.Batch) {
	for table, news := range b.Snapshots {
		a := p.snapshots.expected[table]
		if a == nil || !a.Since.Equal(news.Since) {
			continue
		}
		if line := attemptMessage(a.Attempts, news); line != "" {
			p.Logger.Warn(p.snapshotLogPrefix(table) + line)
		}
		a.applyProgress(news)
	}
	b.AttemptRecords = nil
}

// attemptMessage returns a message about a new attempt of a snapshot, empty if there is
// nothing to report.
func attemptMessage(before change.Attempts, news change.SnapshotProgress) string {
	switch {
	case news.NewAttempt && before.Current.IsKnown():
		return SnapshotRestartedText(news.Attempts.Current.Time, before.Current.Time)
	case news.AttemptsChanged && news.Attempts.Ambiguous && !before.Ambiguous:
		return fmt.Sprintf("the connector began its snapshot a second time with the same lsn (%d) and txId (%d): what the two attempts have confirmed can't be told apart",
			news.Attempts.Current.LSN, news.Attempts.Current.Tx)
	}
	return ""
}

// SnapshotRestartedText returns the message that the connector gave up an attempt of a
// snapshot for a later one.
func SnapshotRestartedText(now, before change.Micros) string {
	layout := time.TimeOnly
	begun, earlier := now.UTC(), before.UTC()
	if begun.YearDay() != earlier.YearDay() || begun.Year() != earlier.Year() {
		layout = time.DateTime
	}
	return fmt.Sprintf("the connector began its snapshot anew at %s; what the attempt of %s had confirmed does not count any more",
		begun.Format(layout), earlier.Format(layout))
}
