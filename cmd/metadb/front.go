package main

import (
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"metadb/internal/change"
	"metadb/internal/resync"
)

// front is the person at the terminal, as a synchronization sees them.
type front struct {
	// verbose says where there is no terminal what the bar shows on one.
	verbose bool
	bar     *progressbar.ProgressBar
}

var _ resync.Front = (*front)(nil)

// Ask implements resync.Front.
func (f *front) Ask(q resync.Question) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, resync.ErrNoTerminal
	}
	return ask(q.Text)
}

// Warn implements resync.Front.
func (f *front) Warn(line string) { say("%s", change.PlainText(line)) }

// tell says what was done, where that is asked for.
func (f *front) tell(format string, args ...any) {
	if f.verbose {
		say(format, args...)
	}
}

// Progress implements resync.Front: a bar on a terminal, lines elsewhere.
func (f *front) Progress(table change.Table, done, total int64) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		if f.verbose {
			say("%s: %d of %d rows ended", change.PlainText(table.String()), done, total)
		}
		return
	}
	if f.bar == nil {
		f.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionShowCount(),
			progressbar.OptionOnCompletion(func() { fmt.Fprintln(os.Stderr) }),
		)
	}
	f.bar.Describe(change.PlainText(table.String()))
	// A bar that can't be drawn is no reason to stop.
	_ = f.bar.Set64(done)
}
