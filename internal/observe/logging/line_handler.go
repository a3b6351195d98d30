package logging

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"golang.org/x/term"
)

// timeFormat is the format of the time at the beginning of each line.
const timeFormat = "2006-01-02 15:04:05 UTC"

// Handler writes lines such as
//
//	2026-11-22 06:01:54 UTC  INFO:  starting Metadb v2.0.0
type Handler struct {
	out    *lineOutput
	level  slog.Level
	colour bool
	attrs  []slog.Attr
	group  string
}

var _ slog.Handler = (*Handler)(nil)

// NewHandler returns a handler that writes records of a level and above. It uses colours if the
// writer is a terminal.
func NewHandler(w io.Writer, level slog.Level) *Handler {
	h := &Handler{out: &lineOutput{w: w}, level: level}
	if file, ok := w.(*os.File); ok {
		h.colour = term.IsTerminal(int(file.Fd()))
	}
	return h
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle implements slog.Handler.
func (h *Handler) Handle(_ context.Context, record slog.Record) error {
	at := record.Time
	if at.IsZero() {
		at = time.Now()
	}
	word := severityName(record.Level)
	if start := severityColour(record.Level); h.colour && start != "" {
		word = start + word + "\x1b[0m"
	}
	line := at.UTC().Format(timeFormat) + "  " + word + ":  " + recordText(record, h.attrs, h.group) + "\n"
	return h.out.writeLine(line, at)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	derived.attrs = appendGrouped(h.attrs, h.group, attrs)
	return &derived
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	derived := *h
	derived.group = joinKey(h.group, name)
	return &derived
}

// appendGrouped appends attributes to others, with keys qualified by the group.
func appendGrouped(before []slog.Attr, group string, attrs []slog.Attr) []slog.Attr {
	all := slices.Clone(before)
	for _, a := range attrs {
		all = append(all, slog.Attr{Key: joinKey(group, a.Key), Value: a.Value})
	}
	return all
}
