package pipeline

import (
	"fmt"
	"time"

	"metadb/internal/change"
)

// noteAttempts takes up, from a batch or a part of one that has been applied, which
// attempts of snapshots have begun, and writes it to the log. The next part finds it known.
func (p *pipeline) noteAttempts(b *batch) {
	for table, news := range b.Snapshots {
		a := p.snapshot.awaited[table]
		if a == nil || !a.Since.Equal(news.Since) {
			continue
		}
		if line := attemptNews(a.Attempts, news); line != "" {
			p.Logger.Warn(p.about(table) + line)
		}
		a.hear(news)
	}
	b.sightings = nil
}

// attemptNews words what has become of a snapshot's attempts; empty if nothing has.
func attemptNews(before change.Attempts, news change.SnapshotNews) string {
	switch {
	case news.Anew && before.Now.Known():
		return BegunAnew(news.Attempts.Now.Time, before.Now.Time)
	case news.Noted && news.Attempts.Doubled && !before.Doubled:
		return fmt.Sprintf("the connector began its snapshot a second time with the same lsn (%d) and txId (%d): what the two attempts have confirmed can't be told apart",
			news.Attempts.Now.LSN, news.Attempts.Now.Tx)
	}
	return ""
}

// BegunAnew says that an attempt of a snapshot has been given up for a later one.
func BegunAnew(now, before change.Micros) string {
	layout := time.TimeOnly
	begun, earlier := time.UnixMicro(int64(now)).UTC(), time.UnixMicro(int64(before)).UTC()
	if begun.YearDay() != earlier.YearDay() || begun.Year() != earlier.Year() {
		layout = time.DateTime
	}
	return fmt.Sprintf("the connector began its snapshot anew at %s; what the attempt of %s had confirmed does not count any more",
		begun.Format(layout), earlier.Format(layout))
}
