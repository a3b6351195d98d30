package pipeline

import (
	"fmt"

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
	if e.NoKey && p.Reporter.Skipped(e.Position.Partition.Topic) {
		p.Logger.Warn("primary key not defined: " + e.Position.Partition.Topic)
	}
	for _, n := range e.Notes {
		said := note{e.Table, n.Column, n.Text}
		if p.notes[said] {
			continue
		}
		p.notes[said] = true
		line := fmt.Sprintf("table %s, column %q: %s", e.Table, n.Column, n.Text)
		if n.Severe {
			p.Logger.Warn(line)
		} else {
			p.Logger.Info(line)
		}
	}
}
