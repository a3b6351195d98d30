package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"metadb/internal/client"
)

// statusTable returns an overview as text for display.
func statusTable(o *client.Overview) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SOURCE\tSTREAM\tSYNC\tLAG\tEVENTS/S\tLAST EVENT\tREJECTED\tSKIPPED")
	for _, s := range o.Sources {
		lag, last := "?", "-"
		if s.Lag != nil {
			lag = fmt.Sprint(*s.Lag)
		}
		if s.LastEvent != nil {
			last = s.LastEvent.UTC().Format(time.DateTime) + " UTC"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.0f\t%s\t%d\t%d\n", s.Name, s.Stream, s.Sync, lag, s.PerSecond, last, s.Rejected, s.Skipped)
	}
	_ = table.Flush() // a Builder does not fail
	if len(o.Sources) == 0 {
		b.WriteString("there is no data source yet\n")
	}
	for _, s := range o.Sources {
		if s.Message != "" {
			fmt.Fprintf(&b, "%s: %s\n", s.Name, s.Message)
		}
	}
	if o.Trouble != "" {
		fmt.Fprintln(&b, o.Trouble)
	} else {
		fmt.Fprintf(&b, "database: %s\n", bytesText(o.DatabaseBytes))
	}
	return b.String()
}

// bytesText returns a size as text, with a unit of bytes or a power of 1024 bytes.
func bytesText(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}
