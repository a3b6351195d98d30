package command

import (
	"context"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/datasource"
)

// Rejected retries rejected events of the data sources; the server implements it.
type Rejected interface {
	// RetryRejected retries the rejected events of a data source and returns how many were applied
	// and how many were rejected again. After an error the work done so far stays.
	RetryRejected(ctx context.Context, source string) (applied, rejected int, err error)
	// RejectedRemoved subtracts removed events from the source's count.
	RejectedRemoved(source string, events int)
}

// execRejected executes PURGE and RETRY REJECTED EVENTS.
func (e *Executor) execRejected(ctx context.Context, c lang.Rejected) (*Result, error) {
	if c.Purge {
		return e.purgeRejected(ctx, c)
	}
	if e.Rejected == nil {
		return nil, notSupportedError(c)
	}
	if _, err := datasource.Load(ctx, e.DB, c.Source.Text); err != nil {
		return nil, sourceError(err, c.Source)
	}
	applied, again, err := e.RetryRejected(ctx, c.Source.Text)
	e.logChange("%s of data source %q applied, %d set aside again", eventCount(applied), c.Source.Text, again)
	if err != nil {
		return nil, err
	}
	result := tagResult("RETRY REJECTED EVENTS").addNotice(eventCount(applied) + " applied")
	if again > 0 {
		result = result.addWarning(change.Plural(again, "event was", "events were") + " set aside again: the reasons are in metadb.rejected_event")
	}
	return result, nil
}

// purgeRejected executes PURGE REJECTED EVENTS. The data source need not exist: its rejected events
// stay when it is dropped.
func (e *Executor) purgeRejected(ctx context.Context, c lang.Rejected) (*Result, error) {
	tag, err := e.DB.Exec(ctx, "delete from metadb.rejected_event where source_name = $1", c.Source.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		if _, err := datasource.Load(ctx, e.DB, c.Source.Text); err != nil {
			return nil, sourceError(err, c.Source)
		}
	}
	if e.Rejected != nil {
		e.RejectedRemoved(c.Source.Text, int(tag.RowsAffected()))
	}
	removed := eventCount(int(tag.RowsAffected()))
	e.logChange("%s of data source %q purged", removed, c.Source.Text)
	return tagResult("PURGE REJECTED EVENTS").addNotice(removed + " removed"), nil
}

// eventCount returns a number of rejected events in words.
func eventCount(n int) string { return change.Plural(n, "rejected event", "rejected events") }
