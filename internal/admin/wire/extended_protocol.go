package wire

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/lang"
)

// extendedState is what a session remembers of the extended protocol: the statements
// and portals that are commands. Those that are SQL are the database's.
type extendedState struct {
	statements map[string]*preparedCommand
	portals    map[string]*portal
	// skipping says that messages are ignored up to the next Sync, because
	// one failed here.
	skipping bool
	// dirty says that the database has messages that no Sync has followed
	// yet; executed, that one of them was Execute.
	dirty, executed bool
}

func newExtended() extendedState {
	return extendedState{statements: make(map[string]*preparedCommand), portals: make(map[string]*portal)}
}

// portal is a command that is ready to run.
type portal struct {
	command lang.Command
	formats []int16
	// answer is there once it has run.
	answer *commandAnswer
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
		// What came before has forgotten the command.
		return s.relayExtended(ctx, h, body)
	}
	return s.handleLocal(ctx, h.kind, body)
}

// maxLocalBytes bounds a message about a command: commands have no parameters.
const maxLocalBytes = 64 << 10

// refuseTooLong refuses a message about a command.
func (s *session) refuseTooLong(h header) error {
	if err := discardBody(s.r, h.length); err != nil {
		return err
	}
	if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	return s.refuseExtended(sessionError(codeLimit, fmt.Sprintf("a message about a command of Metadb is longer than %d bytes", maxLocalBytes)))
}

// handleLocal carries out a message that is about a command.
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

// awaitEarlierReplies waits until the database has answered what came before. It returns
// false if that failed, so that this message is to be ignored.
func (s *session) awaitEarlierReplies() (bool, error) {
	switch s.awaitAnswers() {
	case repliesClosed:
		return false, errGone
	case repliesFailed:
		return false, nil
	}
	return true, nil
}

// peekBytes is how much of a message is looked at for the names in it.
const peekBytes = 1024

// isLocal reports whether a message names a statement or portal that is a
// command. It looks at the message without taking it.
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

// namesCommand reports whether a message, of which this is the body or its beginning,
// is about a command.
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

// relayExtended passes a message on. body is nil if it is still unread.
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

// refuseExtended answers a message of the extended protocol with an error: the rest is
// ignored up to the next Sync, and what the database has done since the last
// one, or since the transaction began, is undone.
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

// handleSync ends a series of messages.
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
