package logging

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// queueLines is the highest number of lines that wait for the database.
const queueLines = 10_000

// writeLines is the highest number of lines in one write.
const writeLines = 500

// retryPause is the pause after a failed write.
const retryPause = time.Second

// Line is one line of metadb.log.
type Line struct {
	Time     time.Time
	Severity string
	Text     string
}

// Write stores all lines in metadb.log, or returns an error and stores no line.
type Write func(ctx context.Context, lines []Line) error

// Table is a handler that stores records of INFO and above in metadb.log. Handle never waits for
// the database. The owner calls Close.
type Table struct {
	queue *queue
	attrs []slog.Attr
	group string
}

var _ slog.Handler = (*Table)(nil)

// NewTable returns a handler that passes lines to write, from a goroutine that runs until Close.
func NewTable(write Write) *Table {
	q := &queue{write: write, wake: make(chan struct{}, 1), done: make(chan struct{})}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	go q.run()
	return &Table{queue: q}
}

// Close stores the queued lines, until ctx ends, and ends the goroutine. A write that fails after
// the call is not repeated.
func (t *Table) Close(ctx context.Context) error { return t.queue.close(ctx) }

// Enabled implements slog.Handler.
func (t *Table) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (t *Table) Handle(_ context.Context, record slog.Record) error {
	t.queue.add(Line{Time: record.Time, Severity: severity(record.Level), Text: text(record, t.attrs, t.group)})
	return nil
}

// WithAttrs implements slog.Handler.
func (t *Table) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Table{queue: t.queue, attrs: grouped(t.attrs, t.group, attrs), group: t.group}
}

// WithGroup implements slog.Handler.
func (t *Table) WithGroup(name string) slog.Handler {
	return &Table{queue: t.queue, attrs: t.attrs, group: join(t.group, name)}
}

// queue holds the lines that are not stored yet.
type queue struct {
	write  Write
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	lines   []Line
	dropped int
	closed  bool
}

// add appends a line to the queue, or counts it if the queue is full.
func (q *queue) add(line Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return
	case len(q.lines) >= queueLines:
		q.dropped++
		return
	case q.dropped > 0:
		lost := Line{Time: line.Time, Severity: severity(slog.LevelWarn), Text: fmt.Sprintf("lines missing here, since the database was away: %d", q.dropped)}
		q.lines, q.dropped = append(q.lines, lost), 0
	}
	q.lines = append(q.lines, line)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the next lines to write, without removing them.
func (q *queue) take() (lines []Line, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lines[:min(len(q.lines), writeLines):min(len(q.lines), writeLines)], q.closed
}

func (q *queue) written(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines = append([]Line(nil), q.lines[n:]...)
}

// run writes lines until the queue is closed and empty, a write fails after that, or its context
// ends.
func (q *queue) run() {
	defer close(q.done)
	for {
		lines, closed := q.take()
		if len(lines) == 0 {
			if closed {
				return
			}
			select {
			case <-q.wake:
			case <-q.ctx.Done():
				return
			}
			continue
		}
		if err := q.write(q.ctx, lines); err == nil {
			q.written(len(lines))
			continue
		}
		if closed || q.ctx.Err() != nil {
			return
		}
		if !q.pause() {
			return
		}
	}
}

// pause waits before the next try, until the queue is closed. It returns false if the context has
// ended.
func (q *queue) pause() bool {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-q.ctx.Done():
			return false
		case <-q.wake:
			if _, closed := q.take(); closed {
				return true
			}
		}
	}
}

func (q *queue) close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	defer q.cancel()
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		q.cancel()
		<-q.done
		return fmt.Errorf("store the last lines of the log: %w", ctx.Err())
	}
}
