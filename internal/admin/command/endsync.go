package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/resync"
)

// endsyncCommand is ENDSYNC {DATA SOURCE S | TABLE S.T__} [WITH (…)].
func endsyncCommand() Command {
	return Command{
		Words:   "endsync",
		Purpose: "end a synchronization, and the rows that are not in it",
		Syntax:  "endsync {data source NAME | table SCHEMA.TABLE__} [with (force_unconfirmed, dry_run)]",
		Example: "endsync table library.patron__",
		Page:    "resync.md",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			return endsync{Scope: parseSyncScope(p), With: parseSyncOptions(p, optionForceUnconfirmed, optionDryRun)}
		},
	}
}

type endsync struct {
	Scope syncScope
	With  syncOptions
}

func (c endsync) String() string { return fmt.Sprintf("endsync %s%s", c.Scope, c.With) }

// Columns implements Tabular.
func (c endsync) Columns() []Column {
	ended := "ended"
	if c.With.has(optionDryRun) {
		ended = "would_be_ended"
	}
	columns := textColumns("table", "current", "confirmed", ended)
	for i := range columns[1:] {
		columns[i+1].OID = pgtype.Int8OID
	}
	if c.With.has(optionDryRun) {
		columns = append(columns, textColumns("for_example")...)
	}
	return columns
}

// Run ends a synchronization, or counts what it would end.
func (c endsync) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.Sync == nil {
		return nil, notSupportedError(c)
	}
	target, err := c.Scope.findTarget(ctx, srv)
	if err != nil {
		return nil, err
	}
	front := &optionAnswers{options: c.With}
	dry := c.With.has(optionDryRun)
	counts, err := srv.Sync.Endsync(ctx, front, resync.EndsyncOptions{
		Target: target, Force: true, ForceUnconfirmed: c.With.has(optionForceUnconfirmed), DryRun: dry,
	})
	if err != nil {
		return nil, c.Scope.addPosition(syncError(err, front))
	}
	if !dry {
		srv.logChange("%s", c)
	}
	return front.addWarnings(tableResult(c.Columns(), countResultRows(counts, dry))), nil
}

// countResultRows returns the rows of the result of ENDSYNC.
func countResultRows(counts []resync.TableCount, dry bool) [][]any {
	rows := make([][]any, len(counts))
	for i, c := range counts {
		rows[i] = []any{c.Table.String(), c.Current, c.Confirmed, c.Ended}
		if dry {
			rows[i][3] = c.Unconfirmed()
			rows[i] = append(rows[i], strings.Join(c.Sample, " "))
		}
	}
	return rows
}
