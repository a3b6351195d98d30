package logging

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// maxQueuedLines is the highest number of lines that wait for the database.
const maxQueuedLines = 10_000

// maxWrittenLines is the highest number of lines in one write.
const maxWrittenLines = 500

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
	queue *lineQueue
	attrs []slog.Attr
	group string
}

var _ slog.Handler = (*Table)(nil)

// NewTable returns a handler that passes lines to write, from a goroutine that runs until Close.
func NewTable(write Write) *Table {
	q := &lineQueue{write: write, wake: make(chan struct{}, 1), done: make(chan struct{})}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	go q.writeQueued()
	return &Table{queue: q}
}

// Close stores the queued lines, until ctx ends, and ends the goroutine. A write that fails after
// the call is not repeated.
func (t *Table) Close(ctx context.Context) error { return t.queue.closeQueue(ctx) }

// Enabled implements slog.Handler.
func (t *Table) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (t *Table) Handle(_ context.Context, record slog.Record) error {
	t.queue.addLine(Line{Time: record.Time, Severity: severityName(record.Level), Text: recordText(record, t.attrs, t.group)})
	return nil
}

// WithAttrs implements slog.Handler.
func (t *Table) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Table{queue: t.queue, attrs: appendGrouped(t.attrs, t.group, attrs), group: t.group}
}

// WithGroup implements slog.Handler.
func (t *Table) WithGroup(name string) slog.Handler {
	return &Table{queue: t.queue, attrs: t.attrs, group: joinKey(t.group, name)}
}

// lineQueue holds the lines that are not stored yet.
type lineQueue struct {
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

// addLine appends a line to the queue, or counts it if the queue is full.
func (q *lineQueue) addLine(line Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return
	case len(q.lines) >= maxQueuedLines:
		q.dropped++
		return
	case q.dropped > 0:
		lost := Line{Time: line.Time, Severity: severityName(slog.LevelWarn), Text: fmt.Sprintf("lines missing here, since the database was away: %d", q.dropped)}
		q.lines, q.dropped = append(q.lines, lost), 0
	}
	q.lines = append(q.lines, line)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// nextLines returns the next lines to write, without removing them.
func (q *lineQueue) nextLines() (lines []Line, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lines[:min(len(q.lines), maxWrittenLines):min(len(q.lines), maxWrittenLines)], q.closed
}

func (q *lineQueue) removeLines(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines = append([]Line(nil), q.lines[n:]...)
}

// writeQueued writes lines until the queue is closed and empty, a write fails after that, or its context
// ends.
func (q *lineQueue) writeQueued() {
	defer close(q.done)
	for {
		lines, closed := q.nextLines()
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
			q.removeLines(len(lines))
			continue
		}
		if closed || q.ctx.Err() != nil {
			return
		}
		if !q.pauseRetry() {
			return
		}
	}
}

// pauseRetry waits before the next try, until the queue is closed. It returns false if the context has
// ended.
func (q *lineQueue) pauseRetry() bool {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-q.ctx.Done():
			return false
		case <-q.wake:
			if _, closed := q.nextLines(); closed {
				return true
			}
		}
	}
}

func (q *lineQueue) closeQueue(ctx context.Context) error {
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
