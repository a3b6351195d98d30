package pgwire

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/adminexec"
	"metadb/internal/adminlang"
)

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
