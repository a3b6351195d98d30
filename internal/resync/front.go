package resync

import (
	"errors"

	"metadb/internal/change"
)

// Front is who asks for a synchronization: the command line, or a session of
// the administration port.
type Front interface {
	// Ask puts a question, which ends with a blank, and reports whether the
	// answer is y or yes. The error is ErrNoTerminal if nobody is there to
	// answer.
	Ask(question string) (bool, error)
	// Warn shows a line that should be read before the answer.
	Warn(line string)
	// Progress tells that done of total rows have ended, the last of them in
	// the table.
	Progress(table change.Table, done, total int64)
}

// ErrDeclined says that a question was not answered with yes. Nothing has been
// changed.
var ErrDeclined = errors.New("declined")

// ErrNoTerminal says that nobody is there to answer a question.
var ErrNoTerminal = errors.New("no terminal is attached to answer a question: use --force")

// confirmed puts a question. The error is ErrDeclined if the answer is no.
func confirmed(front Front, question string) error {
	yes, err := front.Ask(question)
	if err == nil && !yes {
		return ErrDeclined
	}
	return err
}
