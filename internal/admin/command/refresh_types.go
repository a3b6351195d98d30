package command

import (
	"context"

	"metadb/internal/admin/lang"
)

// refreshTypesCommand is REFRESH INFERRED COLUMN TYPES.
func refreshTypesCommand() Command {
	return Command{
		Words: "refresh inferred column types", Claim: "refresh inferred",
		Purpose: "make uuid columns of text columns that hold nothing else",
		Syntax:  "refresh inferred column types",
		Example: "refresh inferred column types",
		Page:    "#parameters-and-origins",
		Parse:   func(*lang.Parser) Statement { return refreshTypes{} },
	}
}

type refreshTypes struct{}

func (refreshTypes) String() string { return "refresh inferred column types" }

// Run executes REFRESH INFERRED COLUMN TYPES.
func (c refreshTypes) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.RefreshTypes == nil {
		return nil, notSupportedError(c)
	}
	if err := srv.RefreshTypes(ctx); err != nil {
		return nil, err
	}
	return tagResult("REFRESH INFERRED COLUMN TYPES"), nil
}
