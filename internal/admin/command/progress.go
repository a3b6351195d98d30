package command

import (
	"context"

	"metadb/internal/target/pgcode"
)

// progressKey is the context key of the function that shows notices while a command runs.
type progressKey struct{}

// WithProgress returns a context for [Executor.Exec] in which long commands show their progress
// before they have a result.
func WithProgress(ctx context.Context, show func(Notice)) context.Context {
	return context.WithValue(ctx, progressKey{}, show)
}

// showProgress shows a notice at once, if the context has a function for it.
func showProgress(ctx context.Context, message string) {
	if show, watched := ctx.Value(progressKey{}).(func(Notice)); watched {
		show(Notice{Severity: SeverityNotice, Code: pgcode.SuccessfulCompletion, Message: message})
	}
}
