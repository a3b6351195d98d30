package wire

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// extendedState is a session's state of the extended protocol: the statements and portals that are
// commands. Those that are SQL are in the database.
type extendedState struct {
	statements map[string]*preparedCommand
	portals    map[string]*portal
	// skipping is true if messages are ignored up to the next Sync, because one failed here.
	skipping bool
	// dirty is true if messages were sent to the database since the last Sync; executed, if one of
	// them was Execute.
	dirty, executed bool
}

func newExtended() extendedState {
	return extendedState{statements: make(map[string]*preparedCommand), portals: make(map[string]*portal)}
}

// portal is a bound command.
type portal struct {
	command lang.Command
	formats []int16
	// answer is nil until the command has run.
	answer *commandAnswer
}

// handleExtended handles a message of the extended protocol.
func (s *session) handleExtended(ctx context.Context, h header) error {
	switch {
	case h.kind == msgSync:
		return s.handleSync(h)
	case s.skipping:
		return discardBody(s.r, h.length)
	case h.kind == msgFlush:
		// The answers are flushed before the next read from the client anyway.
		if !s.dirty {
			return discardBody(s.r, h.length)
		}
		return s.up.forwardMessage(h, s.r)
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
	if h.length > maxLocalBytes {
		return s.refuseTooLong(h)
	}
	body, err := readBody(s.r, h.length)
	if err != nil {
		return err
	}
	if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	if !s.namesCommand(h.kind, body) {
		// An earlier message has deallocated the command.
		return s.relayExtended(ctx, h, body)
	}
	return s.handleLocal(ctx, h.kind, body)
}

// maxLocalBytes bounds a message about a command: commands have no parameters.
const maxLocalBytes = 64 << 10

// refuseTooLong skips a message about a command that is too long, and refuses it.
func (s *session) refuseTooLong(h header) error {
	if err := discardBody(s.r, h.length); err != nil {
		return err
	}
	if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	return s.refuseExtended(sessionError(pgcode.ProgramLimitExceeded, fmt.Sprintf("a message about a command of Metadb is longer than %d bytes", maxLocalBytes)))
}

// handleLocal executes a message about a command.
func (s *session) handleLocal(ctx context.Context, kind byte, body []byte) error {
	switch kind {
	case msgBind:
		return s.bindLocal(body)
	case msgDescribe:
		return s.describeLocal(body)
	case msgExecute:
		return s.executeLocal(ctx, body)
	}
	return s.closeLocal(body)
}

// awaitEarlierReplies waits until the database has answered the earlier messages. It returns false
// if one of them failed, so that this message is to be ignored.
func (s *session) awaitEarlierReplies() (bool, error) {
	switch s.awaitAnswers() {
	case repliesClosed:
		return false, errGone
	case repliesFailed:
		return false, nil
	}
	return true, nil
}

// peekBytes is the length of the part of a message that is searched for names.
const peekBytes = 1024

// isLocal reports whether a message names a statement or portal that is a command. It does not
// consume the message.
func (s *session) isLocal(h header) (bool, error) {
	if len(s.statements) == 0 && len(s.portals) == 0 {
		return false, nil
	}
	body, err := s.r.Peek(min(h.length, peekBytes))
	if err != nil {
		return false, err
	}
	return s.namesCommand(h.kind, body), nil
}

// namesCommand reports whether a message names a command; body is its body or the beginning of it.
func (s *session) namesCommand(kind byte, body []byte) bool {
	switch kind {
	case msgBind:
		portal, rest, _ := bytes.Cut(body, []byte{0})
		statement, _, _ := bytes.Cut(rest, []byte{0})
		if s.statements[string(statement)] != nil {
			return true
		}
		delete(s.portals, string(portal))
		return false
	case msgExecute:
		name, _, _ := bytes.Cut(body, []byte{0})
		return s.portals[string(name)] != nil
	}
	if len(body) == 0 {
		return false
	}
	name, _, _ := bytes.Cut(body[1:], []byte{0})
	if body[0] == 'S' {
		return s.statements[string(name)] != nil
	}
	return s.portals[string(name)] != nil
}

// relayExtended sends a message to the database. body is nil if it is still unread.
func (s *session) relayExtended(ctx context.Context, h header, body []byte) error {
	if err := s.connectDatabase(ctx); err != nil {
		if body == nil {
			if err := discardBody(s.r, h.length); err != nil {
				return err
			}
		}
		return s.refuseExtended(err)
	}
	s.dirty = true
	s.executed = s.executed || h.kind == msgExecute
	s.up.addReply(pendingReply{kind: h.kind})
	if body != nil {
		return s.up.writeMessage(h, body)
	}
	return s.up.forwardMessage(h, s.r)
}

// refuseExtended answers a message of the extended protocol with an error. Later messages are
// ignored up to the next Sync, and the work of the database since the last Sync, or in the open
// transaction, is rolled back.
func (s *session) refuseExtended(e *clientError) error {
	s.skipping = true
	if s.up != nil && (s.dirty || s.up.transactionState() == txOpen) {
		s.dirty = true
		if err := s.failTransaction(false); err != nil {
			return err
		}
	}
	return s.out.writeMessages(e.errorResponse())
}

// handleSync handles Sync.
func (s *session) handleSync(h header) error {
	dirty := s.dirty
	s.skipping, s.dirty, s.executed = false, false, false
	clear(s.portals)
	if dirty {
		s.up.addReply(pendingReply{kind: msgSync})
		return s.up.forwardMessage(h, s.r)
	}
	if err := discardBody(s.r, h.length); err != nil {
		return err
	}
	if s.awaitAnswers() == repliesClosed {
		return errGone
	}
	return s.out.writeMessages(&pgproto3.ReadyForQuery{TxStatus: s.transactionState()})
}
