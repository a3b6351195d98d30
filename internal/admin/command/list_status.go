package command

import "metadb/internal/observe/status"

// Status reports the live state of every data source; *status.Registry implements it.
type Status interface {
	Reports() []status.Report
}

var _ Status = (*status.Registry)(nil)

// listStatus executes LIST STATUS. It needs no database.
func (e *Executor) listStatus() *Result {
	var rows [][]any
	for _, r := range e.Status.Reports() {
		row := []any{"data_source", r.Name, string(r.Stream), string(r.Sync), nil, nil, r.Events, r.Rejected, nil, int64(len(r.Skipped))}
		if r.Lag != status.UnknownLag {
			row[4] = r.Lag
		}
		if !r.LastEvent.IsZero() {
			row[5] = r.LastEvent
		}
		row[8] = nullableText(r.Text(), r.Text() != "")
		rows = append(rows, row)
	}
	return tableResult(describeList("status"), rows)
}

// listBlockers executes LIST BLOCKERS. It needs no database.
func (e *Executor) listBlockers() *Result {
	var rows [][]any
	for _, r := range e.Status.Reports() {
		for _, b := range r.Blockers {
			row := []any{r.Name, b.Table, nil, nullableText(b.Prepared, b.Prepared != ""), nullableText(b.User, b.User != ""), nullableText(b.State, b.State != ""), b.Mode, nil}
			if b.PID != 0 {
				row[2] = int64(b.PID)
			}
			if b.Age != 0 {
				row[7] = b.Age
			}
			rows = append(rows, row)
		}
	}
	return tableResult(describeList("blockers"), rows)
}
