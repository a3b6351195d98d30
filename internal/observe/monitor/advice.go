package monitor

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/observe/status"
)

// adviceLines returns the problems of a source that need an administrator, and how to solve them.
func adviceLines(r *status.Report) []string {
	var all []string
	switch r.Stream {
	case status.Error:
		if len(r.Parked) > 0 {
			all = append(all, fmt.Sprintf("The events of %d tables wait until what is in their way is gone: a lock, or something that hangs on a column. "+
				"They are tried every 5 seconds.", len(r.Parked)))
			break
		}
		all = append(all, "Nothing is applied until this is mended. The server keeps trying by itself; wrong options are mended with: "+
			fmt.Sprintf("alter data source %s options (set …);", r.Name))
	case status.Gap:
		all = append(all, gapSteps(r)...)
	case status.Silent:
		all = append(all, "Look whether the connector and its task run (GET /connectors/NAME/status at Kafka Connect), and at its log.")
	case status.Waiting, status.Starting, status.Active, status.Inactive:
	}
	if r.Rejected > 0 {
		all = append(all, fmt.Sprintf("%s set aside in metadb.rejected_event with the reason. When the cause is mended: retry rejected events for data source %s;",
			change.Plural(r.Rejected, "event is", "events are"), r.Name))
	}
	if r.Sync == status.SnapshotComplete {
		all = append(all, fmt.Sprintf("The snapshot is complete. End the synchronization: endsync data source %s;", r.Name))
	}
	for _, o := range r.Columns.Outdated {
		all = append(all, "Needs reading again: "+o.String())
	}
	for _, setting := range r.Columns.SnapshotOnly {
		all = append(all, "Columns come with snapshots only and are NULL in changes. To leave them out, set in the connector: "+setting)
	}
	for _, line := range []string{r.Attempts, r.Stray} {
		if line != "" {
			all = append(all, upperFirst(line)+".")
		}
	}
	for _, table := range r.Refused {
		all = append(all, "Waits: "+table)
	}
	for _, table := range r.Skipped {
		all = append(all, change.NoKeyText(table)+".")
	}
	return all
}

// upperFirst returns a line with an upper-case first letter.
func upperFirst(line string) string {
	first, size := utf8.DecodeRuneInString(line)
	return string(unicode.ToUpper(first)) + line[size:]
}

// gapSteps returns the steps that repair a gap: for single tables if they suffice, and for the
// whole source.
func gapSteps(r *status.Report) []string {
	lines := []string{"Events were lost before they were read."}
	if len(r.GapTables) > 0 {
		begin, end := make([]string, len(r.GapTables)), make([]string, len(r.GapTables))
		for i, table := range r.GapTables {
			main := ident.Qualified{Schema: ident.Schema(table.Schema), Name: ident.Main(table.Name)}.Word()
			begin[i], end[i] = "sync table "+main+";", "endsync table "+main+";"
		}
		lines = append(lines, "Where the connector runs and these tables alone are concerned, read them again: 1. "+strings.Join(begin, " ")+
			" 2. An incremental snapshot of them. 3. When it is complete: "+strings.Join(end, " "))
	}
	return append(lines, fmt.Sprintf("To resynchronize the source: 1. Delete the connector and its slot. "+
		"2. Make a connector with new names, and so new topics, and do not start it yet. "+
		"3. alter data source %[1]s options (set topics '…', set consumer_group '…'); 4. sync data source %[1]s; "+
		"5. Start the connector. 6. When the snapshot is complete: endsync data source %[1]s;", r.Name))
}
