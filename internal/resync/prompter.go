package resync

import (
	"errors"

	"metadb/internal/change"
)

// Prompter puts questions to the client that asks for a synchronization: the command line, or a
// session of the administration port.
type Prompter interface {
	// Ask puts a question and reports whether the answer is y or yes. The error is
	// ErrNoTerminal if no terminal is attached.
	Ask(q Question) (bool, error)
	// Warn shows a line to be read before the answer.
	Warn(line string)
	// Progress shows that done of total rows have ended, the last of them in the table.
	Progress(table change.Table, done, total int64)
}

// Question is a question of a synchronization.
type Question struct {
	Kind QuestionKind
	// Text ends with a blank, after which the answer is typed.
	Text string
}

// QuestionKind is the kind of a question, for prompters that have the answers in advance.
type QuestionKind uint8

// The kinds of questions.
const (
	// AskBegin asks whether to begin, or to end.
	AskBegin QuestionKind = iota
	// AskRestart asks whether to begin a synchronization in progress anew.
	AskRestart
	// AskFromBeginning asks whether to read topics again that have been read.
	AskFromBeginning
	// AskUnconfirmed asks whether to end unconfirmed rows in spite of a risk.
	AskUnconfirmed
)

// ErrDeclined is the error if a question was not answered with yes. Nothing has changed.
var ErrDeclined = errors.New("declined")

// ErrNoTerminal is the error if no terminal is attached to answer a question.
var ErrNoTerminal = errors.New("no terminal is attached to answer a question: use --force")

// askOrDecline puts a question, and returns ErrDeclined if the answer is no.
func askOrDecline(prompter Prompter, kind QuestionKind, text string) error {
	yes, err := prompter.Ask(Question{kind, text})
	if err == nil && !yes {
		return ErrDeclined
	}
	return err
}
