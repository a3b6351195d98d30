package command

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/target/consistency"
)

// verifyConsistencyCommand is VERIFY CONSISTENCY. It only reads, and holds no lock of commands.
func verifyConsistencyCommand() Command {
	return Command{
		Words: "verify consistency", Claim: "verify",
		Purpose: "look for damage in the tables: rows, partitions, indexes, grants",
		Syntax:  "verify consistency",
		Example: "verify consistency",
		Page:    "#verifying",
		Parse:   func(*lang.Parser) Statement { return verifyConsistency{} },
	}
}

type verifyConsistency struct{}

func (verifyConsistency) String() string { return "verify consistency" }

// Columns implements Tabular.
func (verifyConsistency) Columns() []Column {
	return append(textColumns("table", "check"), Column{Name: "count", OID: pgtype.Int8OID}, Column{Name: "example_keys", OID: pgtype.TextOID})
}

// progressInterval is the interval of a verification's progress notices.
const progressInterval = 2 * time.Second

// Run executes VERIFY CONSISTENCY.
func (c verifyConsistency) Run(ctx context.Context, srv *Services) (*Result, error) {
	unverified := 0
	var shown time.Time
	result := &Result{Columns: c.Columns(), Rows: [][]any{}, Tag: "VERIFY CONSISTENCY"}
	findings, err := consistency.Verify(ctx, srv.DB, consistency.Report{
		Progress: func(done, total int) {
			if time.Since(shown) >= progressInterval {
				shown = time.Now()
				showProgress(ctx, fmt.Sprintf("verifying: %d of %s", done, change.Plural(total, "table", "tables")))
			}
		},
		Unverified: func(table string, err error) {
			unverified++
			result.addWarning(fmt.Sprintf("table %s could not be verified: %v", table, err))
		},
	})
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		result.Rows = append(result.Rows, []any{f.Table, f.Check, f.Count, f.Examples})
	}
	switch {
	case len(findings) > 0:
		srv.Logger.Warn(fmt.Sprintf("verify consistency: %s found", change.Plural(len(findings), "inconsistency", "inconsistencies")))
	case unverified > 0:
		result.addNotice("no inconsistency found in the other tables")
	default:
		result.addNotice("no inconsistency found")
	}
	return result, nil
}
