package resync

import (
	"errors"

	"metadb/internal/change"
)

// Front is who asks for a synchronization: the command line, or a session of
// the administration port.
type Front interface {
	// Ask puts a question, and reports whether the answer is y or yes. The
	// error is ErrNoTerminal if nobody is there to answer.
	Ask(q Question) (bool, error)
	// Warn shows a line that should be read before the answer.
	Warn(line string)
	// Progress tells that done of total rows have ended, the last of them in
	// the table.
	Progress(table change.Table, done, total int64)
}

// Question is one that a front puts.
type Question struct {
	Kind Kind
	// Text ends with a blank, after which the answer is typed.
	Text string
}

// Kind tells questions apart, for fronts that know the answers beforehand.
type Kind uint8

// The kinds of questions.
const (
	// AskBegin asks whether to begin, or to end.
	AskBegin Kind = iota
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

// confirmed puts a question. The error is ErrDeclined if the answer is no.
func confirmed(front Front, kind Kind, text string) error {
	yes, err := front.Ask(Question{kind, text})
	if err == nil && !yes {
		return ErrDeclined
	}
	return err
}
