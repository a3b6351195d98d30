package command

import "context"

// progressKey finds what shows notices while a command runs.
type progressKey struct{}

// WithProgress returns a context for [Executor.Exec] in which a command that takes
// long shows how far it is, before it has a result.
func WithProgress(ctx context.Context, show func(Notice)) context.Context {
	return context.WithValue(ctx, progressKey{}, show)
}

// showProgress shows a notice at once, where somebody watches.
func showProgress(ctx context.Context, message string) {
	if show, watched := ctx.Value(progressKey{}).(func(Notice)); watched {
		show(Notice{Severity: SeverityNotice, Code: "00000", Message: message})
	}
}
