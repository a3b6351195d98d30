package status

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
)

// Text returns the message and all other problems of the source in one line, for an administrator.
func (r *Report) Text() string {
	var parts []string
	if r.Message != "" {
		parts = append(parts, r.Message)
	}
	if r.Silent && r.Stream != Silent {
		parts = append(parts, r.SilenceText())
	}
	if r.Compacted != "" {
		parts = append(parts, "compacted, may lose deletes: "+r.Compacted)
	}
	if line := r.Confirming.String(); line != "" {
		parts = append(parts, line)
		if r.Sync == SnapshotComplete && r.Confirming.Unconfirmed() > 0 && r.Confirming.Ending == "" {
			parts[len(parts)-1] += fmt.Sprintf("; see \"endsync data source %s with (dry_run)\"", r.Name)
		}
	}
	for _, line := range []string{r.Attempts, r.Stray} {
		if line != "" {
			parts = append(parts, line)
		}
	}
	if len(r.Skipped) > 0 {
		parts = append(parts, skippedText(r.Skipped))
	}
	if len(r.Refused) > 0 {
		parts = append(parts, "not applied: "+firstLines(r.Refused))
	}
	if len(r.Columns.Outdated) > 0 {
		lines := make([]string, len(r.Columns.Outdated))
		for i, o := range r.Columns.Outdated {
			lines[i] = o.String()
		}
		parts = append(parts, "needs reading again: "+firstLines(lines))
	}
	if len(r.Columns.SnapshotOnly) > 0 {
		parts = append(parts, "columns that come with snapshots only, to be left out by the connector: "+firstLines(r.Columns.SnapshotOnly))
	}
	if line := r.Refreshing.String(); line != "" {
		parts = append(parts, line)
	}
	return strings.Join(parts, "; ")
}

// skippedText returns the message that tables are not copied because they have no primary key.
func skippedText(tables []string) string {
	const named = 3
	if n := len(tables); n > named {
		tables = append(slices.Clone(tables[:named]), fmt.Sprintf("and %d more", n-named))
	}
	return change.NoKeyText(tables...)
}

// firstLines returns the first lines of a list, and the number of the others.
func firstLines(list []string) string {
	const shown = 5
	if n := len(list); n > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), n-shown)
	}
	return strings.Join(list, ", ")
}
