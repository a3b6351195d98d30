package logging

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// output is where lines go. It is shared by a handler and those derived from it. Where a line can't be
// written, as on a full disk, it is counted, and the next one that can be says how many are missing.
type output struct {
	mu sync.Mutex
	w  io.Writer
	// lost are the lines that could not be written, or only in part, since the last one that was;
	// failure is why.
	lost    int
	failure error
	// cut says that the last line has no end.
	cut bool
}

// write writes a line, whose end is part of it.
func (o *output) write(line string, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost > 0 {
		line = o.missing(at) + line
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

// missing is the line that says how many are, behind what was left of the last one.
func (o *output) missing(at time.Time) string {
	end := ""
	if o.cut {
		end = "\n"
	}
	return fmt.Sprintf("%s%s  %s:  lines missing or cut before this one, since they could not be written: %d (%v)\n",
		end, at.UTC().Format(timeFormat), severity(slog.LevelWarn), o.lost, o.failure)
}
