package wire

import (
	"fmt"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

const (
	// maxPrepared bounds the number of named prepared commands of a session, and the number of its
	// portals.
	maxPrepared = 1000
	// maxPreparedBytes bounds the total length of the texts of a session's named prepared commands.
	maxPreparedBytes = 1 << 20
)

// preparedCommand is a command that was prepared with Parse.
type preparedCommand struct {
	command lang.Command
	// bytes is the length of the query.
	bytes int
}

// checkRoom returns an error if a session may not prepare another named command with a query of
// that length. The unnamed one is always allowed.
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
		severity: severityError, code: pgcode.ProgramLimitExceeded, message: "too many commands are prepared by name in this session",
		detail: fmt.Sprintf("There may be %d, of %d bytes together.", maxPrepared, maxPreparedBytes),
		hint:   "forget those that are not needed: DEALLOCATE ALL",
	}
}

// deallocateNamed removes the named prepared commands, as DEALLOCATE ALL does.
func (e *extendedState) deallocateNamed() {
	for name := range e.statements {
		if name != "" {
			delete(e.statements, name)
		}
	}
}

// deallocateCommand is DEALLOCATE of a prepared command of Metadb, which the database does not
// have.
type deallocateCommand struct{ name string }

func (d deallocateCommand) String() string { return "deallocate " + quoteInput(d.name) }

// claimDeallocates replaces statements that deallocate a prepared command by a deallocateCommand.
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

// deallocateLocal removes a prepared command.
func (s *session) deallocateLocal(d deallocateCommand) (*commandAnswer, *clientError) {
	if !s.isCommandName(d.name) {
		return nil, sessionError(pgcode.InvalidSQLStatementName, fmt.Sprintf("prepared statement %q does not exist", d.name))
	}
	delete(s.statements, d.name)
	return &commandAnswer{result: &command.Result{Tag: "DEALLOCATE"}}, nil
}

// transactionError returns an error if a command can't run in the transaction's state.
func (s *session) transactionError(command lang.Command) *clientError {
	_, harmless := command.(deallocateCommand)
	switch state := s.transactionState(); {
	case harmless && state == txFailed:
		return sessionError(pgcode.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	case !harmless && state != txIdle:
		return refuseInTransaction(command)
	}
	return nil
}

// noteDeallocateAll records that the database has deallocated all prepared statements.
func (q *pendingReplies) noteDeallocateAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deallocatedAll = true
}

// takeDeallocatedAll reports whether noteDeallocateAll was called since the last
// takeDeallocatedAll.
func (q *pendingReplies) takeDeallocatedAll() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped := q.deallocatedAll
	q.deallocatedAll = false
	return dropped
}
