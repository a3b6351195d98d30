package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"metadb/internal/backoff"
	"metadb/internal/change"
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
		told := ""
		for backoff.Sleep(ctx, progressInterval) == nil {
			message, err := watch.loadMessage(ctx, source)
			if err != nil {
				return
			}
			if message != told {
				told = message
				showEndedRows(front, message)
			}
		}
	})
	return func() { cancel(); following.Wait() }
}

// loadMessage returns the message of a data source in "list status".
func (c *Client) loadMessage(ctx context.Context, source string) (string, error) {
	rows, err := c.conn.Query(ctx, "list status")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	message := ""
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return "", err
		}
		for i, field := range rows.FieldDescriptions() {
			if values[1] == source && field.Name == "message" {
				message, _ = values[i].(string)
			}
		}
	}
	return message, rows.Err()
}

// showEndedRows shows the count of ended rows that a message contains.
func showEndedRows(front resync.Prompter, message string) {
	_, rest, found := strings.Cut(message, "ending rows: ")
	if !found {
		return
	}
	var done, total int64
	if _, err := fmt.Sscanf(rest, "%d of %d, ", &done, &total); err != nil {
		return
	}
	_, name, _ := strings.Cut(rest, ", ")
	name, _, _ = strings.Cut(name, ";")
	var table change.Table
	table.Schema, table.Name, _ = strings.Cut(name, ".")
	front.Progress(table, done, total)
}
