package connectjson

import (
	"errors"
	"fmt"

	"metadb/internal/debezium"
)

// envelope has the members of one record's payload.
type envelope struct {
	described debezium.Envelope
	// before and after are the JSON of the rows, nil where they are absent
	// or null. after is not kept when it was read as a row.
	before, after []byte
	// hasAfter says that the envelope has a row after the change; afterErr is the
	// error of converting it.
	hasAfter           bool
	afterErr           error
	seen, seenInSource int
}

// The members of the envelope that matter.
const (
	seenBefore = 1 << iota
	seenAfter
	seenSource
	seenOp
)

// errEnvelope is the error for a payload that is no envelope.
var errEnvelope = errors.New("the payload is not an object: " + expectedEnvelope)

// readEnvelope reads a payload. If rows is not nil, the row after the change is read by
// its plan.
func (e *envelope) readEnvelope(s *scanner, p *readPlan, rows *rowReader) error {
	*e = envelope{}
	if s.peek() != '{' {
		return errEnvelope
	}
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return err
		}
		if err = e.readMember(s, name, p, rows); err != nil {
			return err
		}
		more, err = s.nextElement('}')
	}
	return err
}

// readMember reads the value of one member.
func (e *envelope) readMember(s *scanner, name []byte, p *readPlan, rows *rowReader) error {
	before := e.seen
	bit := 0
	var err error
	switch string(name) {
	case "before":
		bit = seenBefore
		e.before, err = s.scanOptionalObject("before")
	case "after":
		bit = seenAfter
		err = e.readAfter(s, p, rows)
	case "source":
		bit = seenSource
		err = e.readSource(s)
	case "op":
		bit = seenOp
		e.described.Op, err = s.scanOptionalString()
	default:
		_, err = s.skipValue()
	}
	if bit != 0 && before&bit != 0 {
		return errDuplicateMember
	}
	e.seen |= bit
	return err
}

// readAfter reads the row after the change.
func (e *envelope) readAfter(s *scanner, p *readPlan, rows *rowReader) error {
	start, depth := s.pos, s.depth
	if rows != nil && s.peek() == '{' {
		e.hasAfter = true
		if e.afterErr = rows.readRow(p, s); e.afterErr == nil {
			return nil
		}
	}
	// A row that can't be converted must still be valid JSON: the rest of the
	// envelope follows it.
	s.pos, s.depth = start, depth
	var err error
	e.after, err = s.scanOptionalObject("after")
	e.hasAfter = e.after != nil
	return err
}

// scanOptionalObject passes an object or null and returns its JSON, nil for null.
func (s *scanner) scanOptionalObject(name string) ([]byte, error) {
	switch s.peek() {
	case 'n':
		return nil, s.skipLiteral("null")
	case '{':
		return s.skipValue()
	}
	return nil, s.syntaxError(fmt.Sprintf("expected an object as %q", name))
}
