package wire

import (
	"bytes"
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

// preparedCommands are the statements and portals of a session that are commands.
type preparedCommands struct {
	statements map[string]*preparedCommand
	portals    map[string]*portal
}

func newPreparedCommands() *preparedCommands {
	return &preparedCommands{statements: make(map[string]*preparedCommand), portals: make(map[string]*portal)}
}

// preparedCommand is a command that was prepared with Parse.
type preparedCommand struct {
	command lang.Command
	// bytes is the length of the query.
	bytes int
}

// portal is a bound command.
type portal struct {
	command lang.Command
	formats []int16
	// answer is nil until the command has run.
	answer *commandAnswer
}

// isCommandName reports whether a statement's name is that of a prepared command. The unnamed
// statement is replaced and is never in the way.
func (p *preparedCommands) isCommandName(name string) bool {
	return name != "" && p.statements[name] != nil
}

// namesCommand reports whether a message names a command; body is its body or the beginning of it.
func (p *preparedCommands) namesCommand(kind byte, body []byte) bool {
	switch kind {
	case msgBind:
		portal, rest, _ := bytes.Cut(body, []byte{0})
		statement, _, _ := bytes.Cut(rest, []byte{0})
		if p.statements[string(statement)] != nil {
			return true
		}
		delete(p.portals, string(portal))
		return false
	case msgExecute:
		name, _, _ := bytes.Cut(body, []byte{0})
		return p.portals[string(name)] != nil
	}
	if len(body) == 0 {
		return false
	}
	name, _, _ := bytes.Cut(body[1:], []byte{0})
	if body[0] == 'S' {
		return p.statements[string(name)] != nil
	}
	return p.portals[string(name)] != nil
}

// checkRoom returns an error if a session may not prepare another named command with a query of
// that length. The unnamed one is always allowed.
func (p *preparedCommands) checkRoom(name string, bytes int) *clientError {
	if name == "" {
		return nil
	}
	count := 1
	for other, p := range p.statements {
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
func (p *preparedCommands) deallocateNamed() {
	for name := range p.statements {
		if name != "" {
			delete(p.statements, name)
		}
	}
}

// deallocateCommand is DEALLOCATE of a prepared command of Metadb, which the database does not
// have.
type deallocateCommand struct{ name string }

func (d deallocateCommand) String() string { return "deallocate " + quoteInput(d.name) }

// claimDeallocates replaces statements that deallocate a prepared command by a deallocateCommand.
func (p *preparedCommands) claimDeallocates(query string, statements []lang.Statement) []lang.Statement {
	if len(p.statements) == 0 {
		return statements
	}
	for i := range statements {
		if !statements[i].IsSQL() {
			continue
		}
		if name, ok := statements[i].Deallocates(query); ok && p.isCommandName(name) {
			statements[i].Command = deallocateCommand{name: name}
		}
	}
	return statements
}

// deallocateLocal removes a prepared command.
func (p *preparedCommands) deallocateLocal(d deallocateCommand) (*commandAnswer, *clientError) {
	if !p.isCommandName(d.name) {
		return nil, sessionError(pgcode.InvalidSQLStatementName, fmt.Sprintf("prepared statement %q does not exist", d.name))
	}
	delete(p.statements, d.name)
	return &commandAnswer{result: &command.Result{Tag: "DEALLOCATE"}}, nil
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
