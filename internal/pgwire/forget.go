package pgwire

import (
	"fmt"

	"metadb/internal/adminexec"
	"metadb/internal/adminlang"
)

const (
	// mostPrepared bounds the commands that a session prepares by name, and
	// the portals that it has at one time.
	mostPrepared = 1000
	// mostPreparedBytes bounds the text of the commands prepared by name.
	mostPreparedBytes = 1 << 20
)

// prepared is a command that was prepared.
type prepared struct {
	command adminlang.Command
	// bytes is the length of the query that it was.
	bytes int
}

// room returns an error if a session has no room for one more command prepared
// by name, of a query of that length. The one without a name always has it.
func (e *extended) room(name string, bytes int) *clientError {
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
	if count <= mostPrepared && bytes <= mostPreparedBytes {
		return nil
	}
	return &clientError{
		severity: severityError, code: codeLimit, message: "too many commands are prepared by name in this session",
		detail: fmt.Sprintf("There may be %d, of %d bytes together.", mostPrepared, mostPreparedBytes),
		hint:   "forget those that are not needed: DEALLOCATE ALL",
	}
}

// forgetNamed forgets the commands prepared by name, as DEALLOCATE ALL does.
func (e *extended) forgetNamed() {
	for name := range e.statements {
		if name != "" {
			delete(e.statements, name)
		}
	}
}

// deallocate is DEALLOCATE of a command that was prepared by name, which the
// database knows nothing of. It stands where a command of Metadb does, and has
// no other use of being one.
type deallocate struct {
	adminlang.Command
	name string
}

func (d deallocate) String() string { return "deallocate " + quote(d.name) }

// claim makes commands of the statements that deallocate one.
func (s *session) claim(query string, statements []adminlang.Statement) []adminlang.Statement {
	if len(s.statements) == 0 {
		return statements
	}
	for i := range statements {
		if !statements[i].SQL() {
			continue
		}
		if name, ok := statements[i].Deallocates(query); ok && s.taken(name) {
			statements[i].Command = deallocate{name: name}
		}
	}
	return statements
}

// deallocate forgets a command.
func (s *session) deallocate(d deallocate) (*answer, *clientError) {
	if !s.taken(d.name) {
		return nil, failure(codeNoStatement, fmt.Sprintf("prepared statement %q does not exist", d.name))
	}
	delete(s.statements, d.name)
	return &answer{result: &adminexec.Result{Tag: "DEALLOCATE"}}, nil
}

// notNow returns an error if a command can't run in the transaction's state.
func (s *session) notNow(command adminlang.Command) *clientError {
	_, harmless := command.(deallocate)
	switch state := s.state(); {
	case harmless && state == txFailed:
		return failure(codeFailedTx, "current transaction is aborted, commands ignored until end of transaction block")
	case !harmless && state != txIdle:
		return inTransaction(command)
	}
	return nil
}

// drop notes that the database has forgotten all prepared statements.
func (q *queue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped = true
}

// takeDropped reports whether drop was called since it was asked last.
func (q *queue) takeDropped() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	dropped := q.dropped
	q.dropped = false
	return dropped
}
