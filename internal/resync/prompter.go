package resync

import (
	"errors"

	"metadb/internal/change"
)

// Prompter is who asks for a synchronization: the command line, or a session of
// the administration port.
type Prompter interface {
	// Ask puts a question, and reports whether the answer is y or yes. The
	// error is ErrNoTerminal if nobody is there to answer.
	Ask(q Question) (bool, error)
	// Warn shows a line that should be read before the answer.
	Warn(line string)
	// Progress tells that done of total rows have ended, the last of them in
	// the table.
	Progress(table change.Table, done, total int64)
}

// Question is one that a [Prompter] puts.
type Question struct {
	Kind QuestionKind
	// Text ends with a blank, after which the answer is typed.
	Text string
}

// QuestionKind tells questions apart, for fronts that know the answers beforehand.
type QuestionKind uint8

// The kinds of questions.
const (
	// AskBegin asks whether to begin, or to end.
	AskBegin QuestionKind = iota
	// AskRestart asks whether a synchronization in progress is to begin anew.
	AskRestart
	// AskFromBeginning asks whether topics that have been read are to be read
	// again.
	AskFromBeginning
	// AskUnconfirmed asks once more whether rows should end although there is
	// reason to doubt it.
	AskUnconfirmed
)

// ErrDeclined says that a question was not answered with yes. Nothing has been
// changed.
var ErrDeclined = errors.New("declined")

// ErrNoTerminal says that nobody is there to answer a question.
var ErrNoTerminal = errors.New("no terminal is attached to answer a question: use --force")

// askOrDecline puts a question. The error is ErrDeclined if the answer is no.
func askOrDecline(prompter Prompter, kind QuestionKind, text string) error {
	yes, err := prompter.Ask(Question{kind, text})
	if err == nil && !yes {
		return ErrDeclined
	}
	return err
}
