package pipeline

import (
	"fmt"
	"time"

	"metadb/internal/change"
)

// note is something about a column that the log has said.
type note struct {
	table  change.Table
	column string
	text   string
}

// subject begins a line of the log that is about the source.
func (p *pipeline) subject() string { return fmt.Sprintf("source %q: ", p.Name) }

// tell says in the log what decoding found out about an event, each thing once
// in a run.
func (p *pipeline) tell(e *change.Event) {
	if e.NoKey && p.Reporter.Skipped(e.Source, e.Table) {
		p.Logger.Warn("primary key not defined: " + e.Position.Partition.Topic + "; " + change.NoKeyText(e.Source.String()))
	}
	for _, n := range e.Notes {
		p.logColumn(e.Table, n)
	}
}

// logColumn says something about a column in the log, once in a run.
func (p *pipeline) logColumn(table change.Table, n change.Note) {
	said := note{table, n.Column, n.Text}
	if p.notes[said] {
		return
	}
	p.notes[said] = true
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

// rejectionsPerMinute bounds how many rejected events are named in the log. All
// of them are in metadb.rejected_event, and counted in the status.
const rejectionsPerMinute = 20

// quota bounds lines of the log in a minute.
type quota struct {
	minute time.Time
	// spent counts the lines of the minute, silent those that were not
	// written.
	spent, silent int
}

// allow reports whether another line may be written.
func (q *quota) allow(now time.Time, limit int) bool {
	if minute := now.Truncate(time.Minute); minute != q.minute {
		q.minute, q.spent = minute, 0
	}
	if q.spent >= limit {
		return false
	}
	q.spent++
	return true
}

// tellRejected names rejected events in the log, not too many of them.
func (p *pipeline) tellRejected(outcome change.Outcome) {
	named := 0
	for _, r := range outcome.Rejections {
		if !p.rejections.allow(time.Now(), rejectionsPerMinute) {
			break
		}
		if p.rejections.silent > 0 {
			p.Logger.Warn(p.subject() + change.Count(p.rejections.silent, "more event", "more events") + " set aside in metadb.rejected_event")
			p.rejections.silent = 0
		}
		p.Logger.Warn(fmt.Sprintf("%sevent %s set aside in metadb.rejected_event: %s", p.subject(), r.Position, r.Reason))
		named++
	}
	p.rejections.silent += outcome.Rejected - named
}
