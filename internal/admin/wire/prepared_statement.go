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
func (x *extendedProtocol) handleParse(ctx context.Context, h header) error {
	if h.length > inspectBytes {
		return x.parseLong(ctx, h)
	}
	body, err := readBody(x.client.r, h.length)
	if err != nil {
		return err
	}
	var parse pgproto3.Parse
	if err := parse.Decode(body); err != nil {
		return &protocolError{"invalid Parse message"}
	}
	statements := x.commands.parseQuery(parse.Query)
	if isOnlySQL(statements) {
		return x.parseSQL(ctx, h, body, parse.Name)
	}
	if ok, err := x.db.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	if len(statements) > 1 {
		return x.refuseExtended(sessionError(pgcode.SyntaxError, "cannot insert multiple commands into a prepared statement"))
	}
	if statements[0].Err != nil {
		return x.refuseExtended(commandError(statements[0].Err))
	}
	if x.prepared.isCommandName(parse.Name) {
		return x.refuseExtended(sessionError(pgcode.DuplicatePreparedStatement, fmt.Sprintf("prepared statement %q already exists", parse.Name)))
	}
	if err := x.prepared.checkRoom(parse.Name, len(parse.Query)); err != nil {
		return x.refuseExtended(err)
	}
	x.prepared.statements[parse.Name] = &preparedCommand{command: statements[0].Command, bytes: len(parse.Query)}
	return x.client.out.writeMessages(&pgproto3.ParseComplete{})
}

// parseLong sends a Parse to the database that is too long to be searched. It reads only the name.
func (x *extendedProtocol) parseLong(ctx context.Context, h header) error {
	head, err := x.client.r.Peek(peekBytes)
	if err != nil {
		return err
	}
	name, _, _ := bytes.Cut(head, []byte{0})
	return x.parseSQL(ctx, h, nil, string(name))
}

// parseSQL sends Parse to the database, unless the name is that of a command. body is nil if it is
// still unread.
func (x *extendedProtocol) parseSQL(ctx context.Context, h header, body []byte, name string) error {
	unread := h.length
	if body != nil {
		unread = 0
	}
	if x.prepared.isCommandName(name) {
		// Earlier messages may deallocate it.
		if ok, err := x.db.awaitEarlierReplies(); err != nil || !ok {
			return errors.Join(err, discardBody(x.client.r, unread))
		}
	}
	if x.prepared.isCommandName(name) {
		if err := discardBody(x.client.r, unread); err != nil {
			return err
		}
		return x.refuseExtended(sessionError(pgcode.DuplicatePreparedStatement, fmt.Sprintf("prepared statement %q already exists", name)))
	}
	delete(x.prepared.statements, name)
	return x.relayExtended(ctx, h, body)
}

func (x *extendedProtocol) bindLocal(body []byte) error {
	var bind pgproto3.Bind
	if err := bind.Decode(body); err != nil {
		return &protocolError{"invalid Bind message"}
	}
	if len(bind.Parameters) > 0 {
		return x.refuseExtended(sessionError(pgcode.ProtocolViolation, fmt.Sprintf(
			"bind message supplies %d parameters, but prepared statement %q requires 0", len(bind.Parameters), bind.PreparedStatement)))
	}
	parsed := x.prepared.statements[bind.PreparedStatement].command
	columns := command.Describe(parsed)
	if n := len(bind.ResultFormatCodes); n > 1 && n != len(columns) {
		return x.refuseExtended(sessionError(pgcode.ProtocolViolation, fmt.Sprintf("bind message has %d result formats but query has %d columns", n, len(columns))))
	}
	for _, format := range bind.ResultFormatCodes {
		if format != 0 && format != 1 {
			return x.refuseExtended(sessionError(pgcode.ProtocolViolation, fmt.Sprintf("unsupported format code: %d", format)))
		}
	}
	if len(x.prepared.portals) >= maxPrepared {
		return x.refuseExtended(sessionError(pgcode.ProgramLimitExceeded, fmt.Sprintf("more than %d commands are bound without a Sync", maxPrepared)))
	}
	x.prepared.portals[bind.DestinationPortal] = &portal{command: parsed, formats: bind.ResultFormatCodes}
	return x.client.out.writeMessages(&pgproto3.BindComplete{})
}

func (x *extendedProtocol) describeLocal(body []byte) error {
	var describe pgproto3.Describe
	if err := describe.Decode(body); err != nil {
		return &protocolError{"invalid Describe message"}
	}
	var parsed lang.Command
	var formats []int16
	if describe.ObjectType == 'S' {
		parsed = x.prepared.statements[describe.Name].command
		if err := x.client.out.writeMessages(&pgproto3.ParameterDescription{}); err != nil {
			return err
		}
	} else {
		parsed, formats = x.prepared.portals[describe.Name].command, x.prepared.portals[describe.Name].formats
	}
	columns := command.Describe(parsed)
	if columns == nil {
		return x.client.out.writeMessages(&pgproto3.NoData{})
	}
	return x.client.out.writeMessages(rowDescription(columns, formats))
}

func (x *extendedProtocol) executeLocal(ctx context.Context, body []byte) error {
	var execute pgproto3.Execute
	if err := execute.Decode(body); err != nil {
		return &protocolError{"invalid Execute message"}
	}
	p := x.prepared.portals[execute.Portal]
	if p.answer == nil {
		if err := x.commands.transactionError(p.command); err != nil {
			return x.refuseExtended(err)
		}
		if _, harmless := p.command.(deallocateCommand); x.executed && !harmless {
			return x.refuseExtended(sessionError(pgcode.ActiveSQLTransaction, "commands of Metadb can't follow SQL in one pipeline without a Sync between them"))
		}
		a, err := x.commands.execCommand(ctx, p.command)
		if err != nil {
			return x.refuseExtended(err)
		}
		a.formats = p.formats
		p.answer = a
	} else if p.answer.ended && p.answer.result.Columns == nil {
		return x.refuseExtended(sessionError(pgcode.ObjectNotInPrerequisiteState, fmt.Sprintf("portal \"%s\" cannot be run", execute.Portal)))
	}
	return p.answer.sendRows(x.client.out, int(execute.MaxRows))
}

func (x *extendedProtocol) closeLocal(body []byte) error {
	var message pgproto3.Close
	if err := message.Decode(body); err != nil {
		return &protocolError{"invalid Close message"}
	}
	if message.ObjectType == 'S' {
		delete(x.prepared.statements, message.Name)
	} else {
		delete(x.prepared.portals, message.Name)
	}
	return x.client.out.writeMessages(&pgproto3.CloseComplete{})
}
