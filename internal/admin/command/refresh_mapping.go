package command

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/ident"
)

// refreshMappingCommand is REFRESH DATA MAPPING FOR TABLE S.T__.
func refreshMappingCommand() Command {
	return Command{
		Words: "refresh data mapping", Claim: "refresh data",
		Purpose: "apply a table's JSON mappings to the rows that are there",
		Syntax:  "refresh data mapping for table SCHEMA.TABLE__",
		Example: "refresh data mapping for table library.inventory__",
		Page:    "json.md",
		Parse: func(p *lang.Parser) Statement {
			p.Expect("for", "table")
			return refreshMapping{Table: p.Object("a table")}
		},
	}
}

type refreshMapping struct{ Table lang.Object }

func (c refreshMapping) String() string {
	return "refresh data mapping for table " + c.Table.String()
}

// Run transforms the existing rows.
func (c refreshMapping) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.RefreshMapping == nil {
		return nil, notSupportedError(c)
	}
	t, err := findTable(ctx, srv.DB, c.Table)
	if err != nil {
		return nil, err
	}
	if t.main == "" {
		return nil, noTableError(c.Table)
	}
	began := time.Now()
	refreshed, err := srv.RefreshMapping(ctx, ident.Qualified{Schema: ident.Name(t.schema), Name: ident.Name(t.current)})
	if err != nil {
		return nil, err
	}
	result := tagResult("REFRESH DATA MAPPING")
	result.addNotice(fmt.Sprintf("%s of table %s transformed in %s: %s written, %d ended", change.Plural(refreshed.Rows, "row", "rows"),
		c.Table, time.Since(began).Round(time.Millisecond), change.Plural(refreshed.Written, "row", "rows"), refreshed.Ended))
	return result, nil
}

// Refreshed is the result of refreshing a table's mappings.
type Refreshed struct {
	// Rows counts the rows of the table, Written and Ended the versions of transformed rows.
	Rows, Written, Ended int
}
