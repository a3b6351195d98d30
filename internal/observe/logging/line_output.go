package logging

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// lineOutput writes lines to a writer that a handler shares with those derived from it. It counts lines
// that can't be written, as on a full disk, and puts a line with that number before the next line
// that it can write.
type lineOutput struct {
	mu sync.Mutex
	w  io.Writer
	// lost is the number of lines that could not be written, or only in part, since the last
	// success; failure is the last error.
	lost    int
	failure error
	// cut means that the last line was written in part.
	cut bool
}

// writeLine writes a line, which includes its line feed.
func (o *lineOutput) writeLine(line string, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost > 0 {
		line = o.lostLinesText(at) + line
	}
	n, err := io.WriteString(o.w, line)
	if err == nil {
		o.lost, o.failure, o.cut = 0, nil, false
		return nil
	}
	o.lost++
	o.failure = err
	if n > 0 {
		o.cut = true
	}
	return err
}

// lostLinesText returns the line with the number of lost lines, which begins on a line of its own.
func (o *lineOutput) lostLinesText(at time.Time) string {
	end := ""
	if o.cut {
		end = "\n"
	}
	return fmt.Sprintf("%s%s  %s:  lines missing or cut before this one, since they could not be written: %d (%v)\n",
		end, at.UTC().Format(timeFormat), severityName(slog.LevelWarn), o.lost, o.failure)
}
