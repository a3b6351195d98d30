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

// retryRejectedCommand is RETRY REJECTED EVENTS FOR DATA SOURCE S.
func retryRejectedCommand() Command {
	return Command{
		Words: "retry rejected events", Claim: "retry",
		Purpose: "try again to apply the records that could not be applied",
		Syntax:  "retry rejected events for data source NAME",
		Example: "retry rejected events for data source sensor",
		Page:    "rejected.md",
		Parse: func(p *lang.Parser) Statement {
			p.Expect("for", "data", "source")
			return retryRejected{Source: p.Name("a data source")}
		},
	}
}

type retryRejected struct{ Source lang.Name }

func (c retryRejected) String() string {
	return "retry rejected events for data source " + c.Source.String()
}

// Run retries the rejected events of a data source.
func (c retryRejected) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.Rejected == nil {
		return nil, notSupportedError(c)
	}
	if _, err := datasource.Load(ctx, srv.DB, c.Source.Text); err != nil {
		return nil, sourceError(err, c.Source)
	}
	applied, again, err := srv.Rejected.RetryRejected(ctx, c.Source.Text)
	srv.logChange("%s of data source %q applied, %d set aside again", eventCount(applied), c.Source.Text, again)
	if err != nil {
		return nil, err
	}
	result := tagResult("RETRY REJECTED EVENTS").addNotice(eventCount(applied) + " applied")
	if again > 0 {
		result = result.addWarning(change.Plural(again, "event was", "events were") + " set aside again: the reasons are in metadb.rejected_event")
	}
	return result, nil
}

// eventCount returns a number of rejected events in words.
func eventCount(n int) string { return change.Plural(n, "rejected event", "rejected events") }
