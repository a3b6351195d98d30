package command

import (
	"context"
	"fmt"

	"metadb/internal/admin/lang"
)

// abortSyncCommand is ABORT SYNC {DATA SOURCE S | TABLE S.T__}.
func abortSyncCommand() Command {
	return Command{
		Words:   "abort sync",
		Purpose: "leave a resynchronization without ending anything",
		Syntax:  "abort sync {data source NAME | table SCHEMA.TABLE__}",
		Example: "abort sync table library.patron__",
		Page:    "resync.md",
		Lock:    LockStreams,
		Parse:   func(p *lang.Parser) Statement { return abortSync{Scope: parseSyncScope(p)} },
	}
}

type abortSync struct{ Scope syncScope }

func (c abortSync) String() string { return fmt.Sprintf("abort sync %s", c.Scope) }

// Run leaves a synchronization.
func (c abortSync) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.Sync == nil {
		return nil, notSupportedError(c)
	}
	target, err := c.Scope.findTarget(ctx, srv)
	if err != nil {
		return nil, err
	}
	if err := srv.Sync.Abort(ctx, target); err != nil {
		return nil, c.Scope.addPosition(syncError(err, &optionAnswers{}))
	}
	srv.logChange("%s", c)
	return tagResult("ABORT SYNC"), nil
}
