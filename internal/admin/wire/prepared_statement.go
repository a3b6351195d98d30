package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// handleParse prepares a statement: a command in this session, SQL in the database.
func (s *session) handleParse(ctx context.Context, h header) error {
	if h.length > inspectBytes {
		return s.parseLong(ctx, h)
	}
	body, err := readBody(s.r, h.length)
	if err != nil {
		return err
	}
	var parse pgproto3.Parse
	if err := parse.Decode(body); err != nil {
		return &protocolError{"invalid Parse message"}
	}
	statements := s.claimDeallocates(parse.Query, s.server.Executor.Parse(s.queryDialect(), parse.Query))
	if isOnlySQL(statements) {
		return s.parseSQL(ctx, h, body, parse.Name)
	}
	if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	if len(statements) > 1 {
		return s.refuseExtended(sessionError(pgcode.SyntaxError, "cannot insert multiple commands into a prepared statement"))
	}
	if statements[0].Err != nil {
		return s.refuseExtended(commandError(statements[0].Err))
	}
	if s.isCommandName(parse.Name) {
		return s.refuseExtended(sessionError(pgcode.DuplicatePreparedStatement, fmt.Sprintf("prepared statement %q already exists", parse.Name)))
	}
	if err := s.checkRoom(parse.Name, len(parse.Query)); err != nil {
		return s.refuseExtended(err)
	}
	s.statements[parse.Name] = &preparedCommand{command: statements[0].Command, bytes: len(parse.Query)}
	return s.out.writeMessages(&pgproto3.ParseComplete{})
}

// parseLong sends a Parse to the database that is too long to be searched. It reads only the name.
func (s *session) parseLong(ctx context.Context, h header) error {
	head, err := s.r.Peek(peekBytes)
	if err != nil {
		return err
	}
	name, _, _ := bytes.Cut(head, []byte{0})
	return s.parseSQL(ctx, h, nil, string(name))
}

// parseSQL sends Parse to the database, unless the name is that of a command. body is nil if it is
// still unread.
func (s *session) parseSQL(ctx context.Context, h header, body []byte, name string) error {
	unread := h.length
	if body != nil {
		unread = 0
	}
	if s.isCommandName(name) {
		// Earlier messages may deallocate it.
		if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
			return errors.Join(err, discardBody(s.r, unread))
		}
	}
	if s.isCommandName(name) {
		if err := discardBody(s.r, unread); err != nil {
			return err
		}
		return s.refuseExtended(sessionError(pgcode.DuplicatePreparedStatement, fmt.Sprintf("prepared statement %q already exists", name)))
	}
	delete(s.statements, name)
	return s.relayExtended(ctx, h, body)
}

// isCommandName reports whether a statement's name is that of a prepared command. The unnamed
// statement is replaced and is never in the way.
func (s *session) isCommandName(name string) bool { return name != "" && s.statements[name] != nil }

func (s *session) bindLocal(body []byte) error {
	var bind pgproto3.Bind
	if err := bind.Decode(body); err != nil {
		return &protocolError{"invalid Bind message"}
	}
	if len(bind.Parameters) > 0 {
		return s.refuseExtended(sessionError(pgcode.ProtocolViolation, fmt.Sprintf(
			"bind message supplies %d parameters, but prepared statement %q requires 0", len(bind.Parameters), bind.PreparedStatement)))
	}
	parsed := s.statements[bind.PreparedStatement].command
	columns := command.Describe(parsed)
	if n := len(bind.ResultFormatCodes); n > 1 && n != len(columns) {
		return s.refuseExtended(sessionError(pgcode.ProtocolViolation, fmt.Sprintf("bind message has %d result formats but query has %d columns", n, len(columns))))
	}
	for _, format := range bind.ResultFormatCodes {
		if format != 0 && format != 1 {
			return s.refuseExtended(sessionError(pgcode.ProtocolViolation, fmt.Sprintf("unsupported format code: %d", format)))
		}
	}
	if len(s.portals) >= maxPrepared {
		return s.refuseExtended(sessionError(pgcode.ProgramLimitExceeded, fmt.Sprintf("more than %d commands are bound without a Sync", maxPrepared)))
	}
	s.portals[bind.DestinationPortal] = &portal{command: parsed, formats: bind.ResultFormatCodes}
	return s.out.writeMessages(&pgproto3.BindComplete{})
}

func (s *session) describeLocal(body []byte) error {
	var describe pgproto3.Describe
	if err := describe.Decode(body); err != nil {
		return &protocolError{"invalid Describe message"}
	}
	var parsed lang.Command
	var formats []int16
	if describe.ObjectType == 'S' {
		parsed = s.statements[describe.Name].command
		if err := s.out.writeMessages(&pgproto3.ParameterDescription{}); err != nil {
			return err
		}
	} else {
		parsed, formats = s.portals[describe.Name].command, s.portals[describe.Name].formats
	}
	columns := command.Describe(parsed)
	if columns == nil {
		return s.out.writeMessages(&pgproto3.NoData{})
	}
	return s.out.writeMessages(rowDescription(columns, formats))
}

func (s *session) executeLocal(ctx context.Context, body []byte) error {
	var execute pgproto3.Execute
	if err := execute.Decode(body); err != nil {
		return &protocolError{"invalid Execute message"}
	}
	p := s.portals[execute.Portal]
	if p.answer == nil {
		if err := s.transactionError(p.command); err != nil {
			return s.refuseExtended(err)
		}
		if _, harmless := p.command.(deallocateCommand); s.executed && !harmless {
			return s.refuseExtended(sessionError(pgcode.ActiveSQLTransaction, "commands of Metadb can't follow SQL in one pipeline without a Sync between them"))
		}
		a, err := s.execCommand(ctx, p.command)
		if err != nil {
			return s.refuseExtended(err)
		}
		a.formats = p.formats
		p.answer = a
	} else if p.answer.ended && p.answer.result.Columns == nil {
		return s.refuseExtended(sessionError(pgcode.ObjectNotInPrerequisiteState, fmt.Sprintf("portal \"%s\" cannot be run", execute.Portal)))
	}
	return p.answer.sendRows(s.out, int(execute.MaxRows))
}

func (s *session) closeLocal(body []byte) error {
	var message pgproto3.Close
	if err := message.Decode(body); err != nil {
		return &protocolError{"invalid Close message"}
	}
	if message.ObjectType == 'S' {
		delete(s.statements, message.Name)
	} else {
		delete(s.portals, message.Name)
	}
	return s.out.writeMessages(&pgproto3.CloseComplete{})
}
