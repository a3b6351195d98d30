package status

import (
	"fmt"
	"strings"
)

// Columns lists problems with the columns of a source's tables.
type Columns struct {
	// Outdated are the tables that need reading again.
	Outdated []Outdated
	// SnapshotOnly are settings of the connector, one for each table with columns that only
	// snapshots contain; a setting excludes these columns.
	SnapshotOnly []string
}

// Outdated is a table with rows that may have other values than at the source.
type Outdated struct {
	Table   string
	Reasons []string
	// ResyncCommands are the commands that read the table again.
	ResyncCommands string
}

// String returns table, reasons and commands in one line.
func (o Outdated) String() string {
	return fmt.Sprintf("%s: %s: %s", o.Table, strings.Join(o.Reasons, ", "), o.ResyncCommands)
}

// SetColumns sets a function that returns the columns' problems of each source; every call of
// Reports calls it. SetColumns must be called before the first report.
func (r *Registry) SetColumns(ask func() map[string]Columns) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.columns = ask
}
