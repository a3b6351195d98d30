package wire

import (
	"fmt"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
)

const (
	// maxPrepared bounds the commands that a session prepares by name, and
	// the portals that it has at one time.
	maxPrepared = 1000
	// maxPreparedBytes bounds the text of the commands prepared by name.
	maxPreparedBytes = 1 << 20
)

// preparedCommand is a command that was prepared.
type preparedCommand struct {
	command lang.Command
	// bytes is the length of the query that it was.
	bytes int
}

// checkRoom returns an error if a session has no room for one more command prepared
// by name, of a query of that length. The one without a name always has it.
func (e *extendedState) checkRoom(name string, bytes int) *clientError {
	if name == "" {
		return nil
	}
	count := 1
	for other, p := range e.statements {
		if other != "" {
			count++
			bytes += p.bytes
		}
	}
	if count <= maxPrepared && bytes <= maxPreparedBytes {
		return nil
	}
	return &clientError{
		severity: severityError, code: codeLimit, message: "too many commands are prepared by name in this session",
		detail: fmt.Sprintf("There may be %d, of %d bytes together.", maxPrepared, maxPreparedBytes),
		hint:   "forget those that are not needed: DEALLOCATE ALL",
	}
}

// deallocateNamed forgets the commands prepared by name, as DEALLOCATE ALL does.
func (e *extendedState) deallocateNamed() {
	for name := range e.statements {
		if name != "" {
			delete(e.statements, name)
		}
	}
}

// deallocateCommand is DEALLOCATE of a command that was prepared by name, which the
// database knows nothing of. It stands where a command of Metadb does, and has
// no other use of being one.
type deallocateCommand struct {
	lang.Command
	name string
}

func (d deallocateCommand) String() string { return "deallocate " + quoteInput(d.name) }

// claimDeallocates makes commands of the statements that deallocate one.
func (s *session) claimDeallocates(query string, statements []lang.Statement) []lang.Statement {
	if len(s.statements) == 0 {
		return statements
	}
	for i := range statements {
		if !statements[i].IsSQL() {
			continue
		}
		if name, ok := statements[i].Deallocates(query); ok && s.isCommandName(name) {
			statements[i].Command = deallocateCommand{name: name}
		}
	}
	return statements
}

// deallocateLocal forgets a command.
func (s *session) deallocateLocal(d deallocateCommand) (*commandAnswer, *clientError) {
	if !s.isCommandName(d.name) {
		return nil, sessionError(codeNoStatement, fmt.Sprintf("prepared statement %q does not exist", d.name))
	}
	delete(s.statements, d.name)
	return &commandAnswer{result: &command.Result{Tag: "DEALLOCATE"}}, nil
}

// transactionError returns an error if a command can't run in the transaction's state.
func (s *session) transactionError(command lang.Command) *clientError {
	_, harmless := command.(deallocateCommand)
	switch state := s.transactionState(); {
	case harmless && state == txFailed:
		return sessionError(codeFailedTx, "current transaction is aborted, commands ignored until end of transaction block")
	case !harmless && state != txIdle:
		return refuseInTransaction(command)
	}
	return nil
}

// noteDeallocateAll notes that the database has forgotten all prepared statements.
func (q *pendingReplies) noteDeallocateAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deallocatedAll = true
}

// takeDeallocatedAll reports whether drop was called since it was asked last.
func (q *pendingReplies) takeDeallocatedAll() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped := q.deallocatedAll
	q.deallocatedAll = false
	return dropped
}
