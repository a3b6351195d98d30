package client

import (
	"context"
	"strings"
	"sync"
	"time"

	"metadb/internal/backoff"
	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/resync"
)

// progressInterval is the time between two queries of the progress.
const progressInterval = 500 * time.Millisecond

// watchProgress shows the progress of endsync of a data source on front, from "list status" on a
// second connection, until stop is called. A failure ends it silently.
func (c *Client) watchProgress(ctx context.Context, front resync.Prompter, source string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() {
		watch, err := Dial(ctx, c.path)
		if err != nil {
			return
		}
		defer watch.Close(ctx)
		var shown status.Progress
		for backoff.Sleep(ctx, progressInterval) == nil {
			sources, err := watch.listStatus(ctx)
			if err != nil {
				return
			}
			for _, s := range sources {
				if s.Name == source && s.Progress != nil && *s.Progress != shown {
					shown = *s.Progress
					showEndedRows(front, shown)
				}
			}
		}
	})
	return func() { cancel(); following.Wait() }
}

// showEndedRows shows the progress if it is that of endsync.
func showEndedRows(front resync.Prompter, p status.Progress) {
	if p.Phase == status.PhaseEnding {
		front.Progress(tableName(p.Table), p.Done, p.Total)
	}
}

// tableName returns a table by its name with the schema, which contains no dot.
func tableName(name string) (table change.Table) {
	table.Schema, table.Name, _ = strings.Cut(name, ".")
	return table
}
