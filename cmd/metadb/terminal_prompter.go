package main

import (
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"metadb/internal/change"
	"metadb/internal/resync"
)

// terminalPrompter is the front of a synchronization on the terminal.
type terminalPrompter struct {
	// verbose prints the progress as lines if there is no terminal for the bar.
	verbose bool
	bar     *progressbar.ProgressBar
}

var _ resync.Prompter = (*terminalPrompter)(nil)

// Ask implements resync.Prompter.
func (f *terminalPrompter) Ask(q resync.Question) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, resync.ErrNoTerminal
	}
	return askTerminal(q.Text)
}

// Warn implements resync.Prompter.
func (f *terminalPrompter) Warn(line string) { printMessage("%s", change.PlainText(line)) }

// printVerbose prints a message if verbose is set.
func (f *terminalPrompter) printVerbose(format string, args ...any) {
	if f.verbose {
		printMessage(format, args...)
	}
}

// Progress implements resync.Prompter: a bar on a terminal, lines elsewhere.
func (f *terminalPrompter) Progress(table change.Table, done, total int64) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		if f.verbose {
			printMessage("%s: %d of %d rows ended", change.PlainText(table.String()), done, total)
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
	// The bar is optional, so its errors are ignored.
	_ = f.bar.Set64(done)
}
