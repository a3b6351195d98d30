package logging

import (
	"context"
	"errors"
	"log/slog"
)

// Tee is a handler that passes records on to several handlers.
type Tee []slog.Handler

var _ slog.Handler = Tee(nil)

// Enabled implements slog.Handler.
func (t Tee) Enabled(ctx context.Context, level slog.Level) bool {
	for _, h := range t {
		if h.Enabled(ctx, level) {
			return true
		}
	}
	return false
}

// Handle implements slog.Handler.
func (t Tee) Handle(ctx context.Context, record slog.Record) error {
	var errs error
	for _, h := range t {
		if h.Enabled(ctx, record.Level) {
			errs = errors.Join(errs, h.Handle(ctx, record.Clone()))
		}
	}
	return errs
}

// WithAttrs implements slog.Handler.
func (t Tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := make(Tee, len(t))
	for i, h := range t {
		derived[i] = h.WithAttrs(attrs)
	}
	return derived
}

// WithGroup implements slog.Handler.
func (t Tee) WithGroup(name string) slog.Handler {
	derived := make(Tee, len(t))
	for i, h := range t {
		derived[i] = h.WithGroup(name)
	}
	return derived
}
