package command

import (
	"context"
	"fmt"

	"metadb/internal/admin/lang"
	"metadb/internal/resync"
)

// syncCommand is SYNC {DATA SOURCE S | TABLE S.T__} [WITH (…)].
func syncCommand() Command {
	return Command{
		Words:   "sync",
		Purpose: "begin the resynchronization of a data source or a table",
		Syntax:  "sync {data source NAME | table SCHEMA.TABLE__} [with (restart, from_beginning, dry_run)]",
		Example: "sync table library.patron__ with (dry_run)",
		Page:    "resync.md",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			return beginSync{Scope: parseSyncScope(p), With: parseSyncOptions(p, optionRestart, optionFromBeginning, optionDryRun)}
		},
	}
}

type beginSync struct {
	Scope syncScope
	With  syncOptions
}

func (c beginSync) String() string { return fmt.Sprintf("sync %s%s", c.Scope, c.With) }

// Columns implements Tabular.
func (c beginSync) Columns() []Column {
	if !c.With.has(optionDryRun) {
		return nil
	}
	return textColumns("question", "answer")
}

// Run begins a synchronization, or shows the questions that it would ask.
func (c beginSync) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.Sync == nil {
		return nil, notSupportedError(c)
	}
	target, err := c.Scope.findTarget(ctx, srv)
	if err != nil {
		return nil, err
	}
	front := &optionAnswers{options: c.With}
	dry := c.With.has(optionDryRun)
	if err := srv.Sync.Sync(ctx, front, resync.SyncOptions{Target: target, DryRun: dry}); err != nil {
		return nil, c.Scope.addPosition(syncError(err, front))
	}
	result := tagResult("SYNC")
	if dry {
		result = tableResult(c.Columns(), front.asked)
	} else {
		srv.logChange("%s", c)
	}
	return front.addWarnings(result), nil
}
