package pgwire

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/adminexec"
	"metadb/internal/adminlang"
)

// extended is what a session remembers of the extended protocol: the statements
// and portals that are commands. Those that are SQL are the database's.
type extended struct {
	statements map[string]adminlang.Command
	portals    map[string]*portal
	// skipping says that messages are ignored up to the next Sync, because
	// one failed here.
	skipping bool
	// dirty says that the database has messages that no Sync has followed
	// yet; executed, that one of them was Execute.
	dirty, executed bool
}

func newExtended() extended {
	return extended{statements: make(map[string]adminlang.Command), portals: make(map[string]*portal)}
}

// portal is a command that is ready to run.
type portal struct {
	command adminlang.Command
	formats []int16
	// answer is there once it has run.
	answer *answer
}

// handleExtended deals with a message of the extended protocol.
func (s *session) handleExtended(ctx context.Context, h header) error {
	switch {
	case h.kind == msgSync:
		return s.handleSync(h)
	case s.skipping:
		return discardBody(s.r, h.length)
	case h.kind == msgFlush:
		// Whatever is written goes out before the client is read again.
		if !s.dirty {
			return discardBody(s.r, h.length)
		}
		return s.up.forward(h, s.r)
	case h.kind == msgParse:
		return s.handleParse(ctx, h)
	}
	local, err := s.isLocal(h)
	if err != nil {
		return err
	}
	if !local {
		return s.relayExtended(ctx, h, nil)
	}
	body, err := readBody(s.r, h.length)
	if err != nil {
		return err
	}
	if ok, err := s.quiet(); err != nil || !ok {
		return err
	}
	return s.local(ctx, h.kind, body)
}

// local carries out a message that is about a command.
func (s *session) local(ctx context.Context, kind byte, body []byte) error {
	switch kind {
	case msgBind:
		return s.bind(body)
	case msgDescribe:
		return s.describe(body)
	case msgExecute:
		return s.execute(ctx, body)
	}
	return s.closeLocal(body)
}

// quiet waits until the database has answered what came before. It returns
// false if that failed, so that this message is to be ignored.
func (s *session) quiet() (bool, error) {
	switch s.settle() {
	case settledClosed:
		return false, errGone
	case settledFailed:
		return false, nil
	}
	return true, nil
}

// isLocal reports whether a message names a statement or portal that is a
// command. It looks at the message without taking it.
func (s *session) isLocal(h header) (bool, error) {
	if len(s.statements) == 0 && len(s.portals) == 0 {
		return false, nil
	}
	const enough = 1024
	body, err := s.r.Peek(min(h.length, enough))
	if err != nil {
		return false, err
	}
	switch h.kind {
	case msgBind:
		portal, rest, _ := bytes.Cut(body, []byte{0})
		statement, _, _ := bytes.Cut(rest, []byte{0})
		if s.statements[string(statement)] != nil {
			return true, nil
		}
		delete(s.portals, string(portal))
		return false, nil
	case msgExecute:
		name, _, _ := bytes.Cut(body, []byte{0})
		return s.portals[string(name)] != nil, nil
	}
	if len(body) == 0 {
		return false, nil
	}
	name, _, _ := bytes.Cut(body[1:], []byte{0})
	if body[0] == 'S' {
		return s.statements[string(name)] != nil, nil
	}
	return s.portals[string(name)] != nil, nil
}

// relayExtended passes a message on. body is nil if it is still unread.
func (s *session) relayExtended(ctx context.Context, h header, body []byte) error {
	if err := s.connect(ctx); err != nil {
		if body == nil {
			if err := discardBody(s.r, h.length); err != nil {
				return err
			}
		}
		return s.refuse(err)
	}
	s.dirty = true
	s.executed = s.executed || h.kind == msgExecute
	s.up.add(expect{kind: h.kind})
	if body != nil {
		return s.up.write(h, body)
	}
	return s.up.forward(h, s.r)
}

// refuse answers a message of the extended protocol with an error: the rest is
// ignored up to the next Sync, and what the database has done since the last
// one, or since the transaction began, is undone.
func (s *session) refuse(e *clientError) error {
	s.skipping = true
	if s.up != nil && (s.dirty || s.up.state() == txOpen) {
		s.dirty = true
		if err := s.failTransaction(false); err != nil {
			return err
		}
	}
	return s.out.send(e.response())
}

// handleSync ends a series of messages.
func (s *session) handleSync(h header) error {
	dirty := s.dirty
	s.skipping, s.dirty, s.executed = false, false, false
	clear(s.portals)
	if dirty {
		s.up.add(expect{kind: msgSync})
		return s.up.forward(h, s.r)
	}
	if err := discardBody(s.r, h.length); err != nil {
		return err
	}
	if s.settle() == settledClosed {
		return errGone
	}
	return s.out.send(&pgproto3.ReadyForQuery{TxStatus: s.state()})
}

// handleParse prepares a statement: here if it is a command, at the database if
// it is SQL.
func (s *session) handleParse(ctx context.Context, h header) error {
	if h.length > inspectBytes {
		return s.relayExtended(ctx, h, nil)
	}
	body, err := readBody(s.r, h.length)
	if err != nil {
		return err
	}
	var parse pgproto3.Parse
	if err := parse.Decode(body); err != nil {
		return &violation{"invalid Parse message"}
	}
	statements := adminlang.Parse(parse.Query)
	if onlySQL(statements) {
		return s.parseSQL(ctx, h, body, parse.Name)
	}
	if ok, err := s.quiet(); err != nil || !ok {
		return err
	}
	if len(statements) > 1 {
		return s.refuse(failure(codeSyntax, "cannot insert multiple commands into a prepared statement"))
	}
	if statements[0].Err != nil {
		return s.refuse(commandError(statements[0].Err))
	}
	if s.taken(parse.Name) {
		return s.refuse(failure(codeDupStatement, fmt.Sprintf("prepared statement %q already exists", parse.Name)))
	}
	s.statements[parse.Name] = statements[0].Command
	return s.out.send(&pgproto3.ParseComplete{})
}

// parseSQL passes Parse on, unless the name is that of a command.
func (s *session) parseSQL(ctx context.Context, h header, body []byte, name string) error {
	if s.taken(name) {
		return s.refuse(failure(codeDupStatement, fmt.Sprintf("prepared statement %q already exists", name)))
	}
	delete(s.statements, name)
	return s.relayExtended(ctx, h, body)
}

// taken reports whether a statement's name is that of a command. The statement
// without a name is replaced, not taken.
func (s *session) taken(name string) bool { return name != "" && s.statements[name] != nil }

func (s *session) bind(body []byte) error {
	var bind pgproto3.Bind
	if err := bind.Decode(body); err != nil {
		return &violation{"invalid Bind message"}
	}
	if len(bind.Parameters) > 0 {
		return s.refuse(failure(codeProtocol, fmt.Sprintf(
			"bind message supplies %d parameters, but prepared statement %q requires 0", len(bind.Parameters), bind.PreparedStatement)))
	}
	command := s.statements[bind.PreparedStatement]
	columns := adminexec.Describe(command)
	if n := len(bind.ResultFormatCodes); n > 1 && n != len(columns) {
		return s.refuse(failure(codeProtocol, fmt.Sprintf("bind message has %d result formats but query has %d columns", n, len(columns))))
	}
	for _, format := range bind.ResultFormatCodes {
		if format != 0 && format != 1 {
			return s.refuse(failure(codeProtocol, fmt.Sprintf("unsupported format code: %d", format)))
		}
	}
	s.portals[bind.DestinationPortal] = &portal{command: command, formats: bind.ResultFormatCodes}
	return s.out.send(&pgproto3.BindComplete{})
}

func (s *session) describe(body []byte) error {
	var describe pgproto3.Describe
	if err := describe.Decode(body); err != nil {
		return &violation{"invalid Describe message"}
	}
	var command adminlang.Command
	var formats []int16
	if describe.ObjectType == 'S' {
		command = s.statements[describe.Name]
		if err := s.out.send(&pgproto3.ParameterDescription{}); err != nil {
			return err
		}
	} else {
		command, formats = s.portals[describe.Name].command, s.portals[describe.Name].formats
	}
	columns := adminexec.Describe(command)
	if columns == nil {
		return s.out.send(&pgproto3.NoData{})
	}
	return s.out.send(description(columns, formats))
}

func (s *session) execute(ctx context.Context, body []byte) error {
	var execute pgproto3.Execute
	if err := execute.Decode(body); err != nil {
		return &violation{"invalid Execute message"}
	}
	p := s.portals[execute.Portal]
	if p.answer == nil {
		if s.state() != txIdle {
			return s.refuse(inTransaction(p.command))
		}
		if s.executed {
			return s.refuse(failure(codeActiveTx, "commands of Metadb can't follow SQL in one pipeline without a Sync between them"))
		}
		a, err := s.exec(ctx, p.command)
		if err != nil {
			return s.refuse(err)
		}
		a.formats = p.formats
		p.answer = a
	}
	return p.answer.sendRows(s.out, int(execute.MaxRows))
}

func (s *session) closeLocal(body []byte) error {
	var message pgproto3.Close
	if err := message.Decode(body); err != nil {
		return &violation{"invalid Close message"}
	}
	if message.ObjectType == 'S' {
		delete(s.statements, message.Name)
	} else {
		delete(s.portals, message.Name)
	}
	return s.out.send(&pgproto3.CloseComplete{})
}
