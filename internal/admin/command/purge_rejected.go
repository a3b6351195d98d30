package command

import (
	"context"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
)

// purgeRejectedCommand is PURGE REJECTED EVENTS FOR DATA SOURCE S.
func purgeRejectedCommand() Command {
	return Command{
		Words: "purge rejected events", Claim: "purge",
		Purpose: "remove the records that could not be applied",
		Syntax:  "purge rejected events for data source NAME",
		Example: "purge rejected events for data source sensor",
		Page:    "rejected.md",
		Parse: func(p *lang.Parser) Statement {
			p.Expect("for", "data", "source")
			return purgeRejected{Source: p.Name("a data source")}
		},
	}
}

type purgeRejected struct{ Source lang.Name }

func (c purgeRejected) String() string {
	return "purge rejected events for data source " + c.Source.String()
}

// Run executes PURGE REJECTED EVENTS. The data source need not exist: its rejected events
// stay when it is dropped.
func (c purgeRejected) Run(ctx context.Context, srv *Services) (*Result, error) {
	tag, err := srv.DB.Exec(ctx, "delete from metadb.rejected_event where source_name = $1", c.Source.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		if _, err := datasource.Load(ctx, srv.DB, c.Source.Text); err != nil {
			return nil, sourceError(err, c.Source)
		}
	}
	if srv.Rejected != nil {
		srv.Rejected.RejectedRemoved(c.Source.Text, int(tag.RowsAffected()))
	}
	removed := eventCount(int(tag.RowsAffected()))
	srv.logChange("%s of data source %q purged", removed, c.Source.Text)
	return tagResult("PURGE REJECTED EVENTS").addNotice(removed + " removed"), nil
}
