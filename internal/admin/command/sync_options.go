package command

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/resync"
	"metadb/internal/target/pgcode"
)

// The words that may follow WITH: the answers to the questions of the command line, and the request
// for a dry run.
const (
	optionRestart          = "restart"
	optionFromBeginning    = "from_beginning"
	optionForceUnconfirmed = "force_unconfirmed"
	optionDryRun           = "dry_run"
)

// syncOptions are the words after WITH of a synchronization's command.
type syncOptions []lang.Name

// parseSyncOptions parses [WITH (WORD [, …])], each of which must be one of the valid ones.
func parseSyncOptions(p *lang.Parser, valid ...string) syncOptions {
	var list syncOptions
	if !p.Accept("with") {
		return nil
	}
	p.List(func() {
		at := p.Position()
		list = append(list, lang.Name{Text: p.ExpectOneOf(valid...), At: at})
	})
	return list
}

// has reports whether a word is one of the options.
func (o syncOptions) has(word string) bool {
	return slices.ContainsFunc(o, func(n lang.Name) bool { return n.Text == word })
}

// String returns the options as they follow the command, with a space before them.
func (o syncOptions) String() string {
	if len(o) == 0 {
		return ""
	}
	return fmt.Sprintf(" with (%s)", lang.Join(o))
}

// optionAnswers is a prompter that takes the answers from the command's options, and collects the
// questions and the warnings.
type optionAnswers struct {
	options  syncOptions
	asked    [][]any
	warnings []string
}

var _ resync.Prompter = (*optionAnswers)(nil)

// Ask implements resync.Prompter. A dry run collects the question and agrees; otherwise a
// synchronization in progress is begun anew only with the option restart.
func (a *optionAnswers) Ask(q resync.Question) (bool, error) {
	option := ""
	switch q.Kind {
	case resync.AskRestart:
		option = optionRestart
	case resync.AskFromBeginning:
		option = optionFromBeginning
	case resync.AskBegin, resync.AskUnconfirmed:
	}
	if a.options.has(optionDryRun) {
		a.asked = append(a.asked, []any{strings.TrimSpace(q.Text), option})
		return true, nil
	}
	switch q.Kind {
	case resync.AskRestart:
		if !a.options.has(option) {
			return false, &Error{
				Code: pgcode.ObjectNotInPrerequisiteState, Message: strings.Join(a.warnings, "; "),
				Hint: "add \"with (restart)\" to begin it anew, or use \"endsync\" or \"abort sync\"",
			}
		}
		return true, nil
	case resync.AskUnconfirmed:
		return false, resync.ErrNoTerminal
	case resync.AskFromBeginning:
		return a.options.has(option), nil
	case resync.AskBegin:
	}
	return true, nil
}

// Warn implements resync.Prompter.
func (a *optionAnswers) Warn(line string) { a.warnings = append(a.warnings, line) }

// Progress implements resync.Prompter: "list status" shows the progress.
func (a *optionAnswers) Progress(change.Table, int64, int64) {}

// addWarnings adds the collected warnings to the result of a command.
func (a *optionAnswers) addWarnings(result *Result) *Result {
	for _, line := range a.warnings {
		result.addWarning(line)
	}
	return result
}
