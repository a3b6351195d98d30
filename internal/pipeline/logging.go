package pipeline

import (
	"fmt"
	"time"

	"metadb/internal/change"
)

// columnNote identifies a logged note about a column.
type columnNote struct {
	table  change.Table
	column string
	text   string
}

// logPrefix returns the beginning of a log message about the source.
func (p *pipeline) logPrefix() string { return fmt.Sprintf("source %q: ", p.Name) }

// logEventNotes logs the decoder's notes about an event, each of them once in a run.
func (p *pipeline) logEventNotes(e *change.Event) {
	if e.NoKey && p.Reporter.Skipped(e.Source, e.Table) {
		p.Logger.Warn("primary key not defined: " + e.Position.Partition.Topic + "; " + change.NoKeyText(e.Source.String()))
	}
	for _, n := range e.Notes {
		p.logColumnNote(e.Table, n)
	}
}

// logColumnNote logs a note about a column, once in a run.
func (p *pipeline) logColumnNote(table change.Table, n change.Note) {
	said := columnNote{table, n.Column, n.Text}
	if p.loggedNotes[said] {
		return
	}
	p.loggedNotes[said] = true
	line := fmt.Sprintf("table %s, column %q: %s", table, n.Column, n.Text)
	if n.Column == "" {
		line = fmt.Sprintf("table %s: %s", table, n.Text)
	}
	if n.Severe {
		p.Logger.Warn(line)
	} else {
		p.Logger.Info(line)
	}
}

// rejectionsPerMinute bounds the rejected events that the log names. All of them
// are in metadb.rejected_event, and counted in the status.
const rejectionsPerMinute = 20

// logQuota bounds log messages per minute.
type logQuota struct {
	minute time.Time
	// spent counts the messages of the minute, dropped those that were not
	// written.
	spent, dropped int
}

// allowLine reports whether another message may be written.
func (q *logQuota) allowLine(now time.Time, limit int) bool {
	if minute := now.Truncate(time.Minute); minute != q.minute {
		q.minute, q.spent = minute, 0
	}
	if q.spent >= limit {
		return false
	}
	q.spent++
	return true
}

// logRejected logs rejected events, up to the quota.
func (p *pipeline) logRejected(outcome change.Outcome) {
	named := 0
	for _, r := range outcome.Rejections {
		if !p.rejectionQuota.allowLine(time.Now(), rejectionsPerMinute) {
			break
		}
		if p.rejectionQuota.dropped > 0 {
			p.Logger.Warn(p.logPrefix() + change.Plural(p.rejectionQuota.dropped, "more event", "more events") + " set aside in metadb.rejected_event")
			p.rejectionQuota.dropped = 0
		}
		p.Logger.Warn(fmt.Sprintf("%sevent %s set aside in metadb.rejected_event: %s", p.logPrefix(), r.Position, r.Reason))
		named++
	}
	p.rejectionQuota.dropped += outcome.Rejected - named
}
