package status

import (
	"fmt"
	"strings"
)

// Columns is what is known of the columns of a source's tables that asks for
// attention.
type Columns struct {
	// Outdated are the tables that need reading again.
	Outdated []Outdated
	// SnapshotOnly are settings of the connector, one for each table with columns
	// that only snapshots bring, which leave these out.
	SnapshotOnly []string
}

// Outdated is a table with rows that may have other values than at the source.
type Outdated struct {
	Table   string
	Reasons []string
	// ResyncCommands are the commands that have the table read again.
	ResyncCommands string
}

// String says it in one line.
func (o Outdated) String() string {
	return fmt.Sprintf("%s: %s: %s", o.Table, strings.Join(o.Reasons, ", "), o.ResyncCommands)
}

// SetColumns has the reports ask, each time, what is known of the columns of each
// source's tables. It comes before the first report.
func (r *Registry) SetColumns(ask func() map[string]Columns) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.columns = ask
}
