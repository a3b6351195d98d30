package wire

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/target/pgcode"
)

// extendedProtocol is a session's side of the extended protocol. Statements and portals that are
// commands are handled here; those that are SQL are in the database.
type extendedProtocol struct {
	client   *client
	db       *backend
	commands *commandRunner
	prepared *preparedCommands
	// skipping is true if messages are ignored up to the next Sync, because one failed here.
	skipping bool
	// dirty is true if messages were sent to the database since the last Sync; executed, if one of
	// them was Execute.
	dirty, executed bool
}

// handleExtended handles a message of the extended protocol.
func (x *extendedProtocol) handleExtended(ctx context.Context, h header) error {
	switch {
	case h.kind == msgSync:
		return x.handleSync(h)
	case x.skipping:
		return discardBody(x.client.r, h.length)
	case h.kind == msgFlush:
		// The answers are flushed before the next read from the client anyway.
		if !x.dirty {
			return discardBody(x.client.r, h.length)
		}
		return x.db.up.forwardMessage(h, x.client.r)
	case h.kind == msgParse:
		return x.handleParse(ctx, h)
	}
	local, err := x.isLocal(h)
	if err != nil {
		return err
	}
	if !local {
		return x.relayExtended(ctx, h, nil)
	}
	if h.length > maxLocalBytes {
		return x.refuseTooLong(h)
	}
	body, err := readBody(x.client.r, h.length)
	if err != nil {
		return err
	}
	if ok, err := x.db.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	if !x.prepared.namesCommand(h.kind, body) {
		// An earlier message has deallocated the command.
		return x.relayExtended(ctx, h, body)
	}
	return x.handleLocal(ctx, h.kind, body)
}

// maxLocalBytes bounds a message about a command: commands have no parameters.
const maxLocalBytes = 64 << 10

// refuseTooLong skips a message about a command that is too long, and refuses it.
func (x *extendedProtocol) refuseTooLong(h header) error {
	if err := discardBody(x.client.r, h.length); err != nil {
		return err
	}
	if ok, err := x.db.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	return x.refuseExtended(sessionError(pgcode.ProgramLimitExceeded, fmt.Sprintf("a message about a command of Metadb is longer than %d bytes", maxLocalBytes)))
}

// handleLocal executes a message about a command.
func (x *extendedProtocol) handleLocal(ctx context.Context, kind byte, body []byte) error {
	switch kind {
	case msgBind:
		return x.bindLocal(body)
	case msgDescribe:
		return x.describeLocal(body)
	case msgExecute:
		return x.executeLocal(ctx, body)
	}
	return x.closeLocal(body)
}

// peekBytes is the length of the part of a message that is searched for names.
const peekBytes = 1024

// isLocal reports whether a message names a statement or portal that is a command. It does not
// consume the message.
func (x *extendedProtocol) isLocal(h header) (bool, error) {
	if len(x.prepared.statements) == 0 && len(x.prepared.portals) == 0 {
		return false, nil
	}
	body, err := x.client.r.Peek(min(h.length, peekBytes))
	if err != nil {
		return false, err
	}
	return x.prepared.namesCommand(h.kind, body), nil
}

// relayExtended sends a message to the database. body is nil if it is still unread.
func (x *extendedProtocol) relayExtended(ctx context.Context, h header, body []byte) error {
	if err := x.db.connectDatabase(ctx); err != nil {
		if body == nil {
			if err := discardBody(x.client.r, h.length); err != nil {
				return err
			}
		}
		return x.refuseExtended(err)
	}
	x.dirty = true
	x.executed = x.executed || h.kind == msgExecute
	x.db.up.replies.addReply(pendingReply{kind: h.kind})
	if body != nil {
		return x.db.up.writeMessage(h, body)
	}
	return x.db.up.forwardMessage(h, x.client.r)
}

// refuseExtended answers a message of the extended protocol with an error. Later messages are
// ignored up to the next Sync, and the work of the database since the last Sync, or in the open
// transaction, is rolled back.
func (x *extendedProtocol) refuseExtended(e *clientError) error {
	x.skipping = true
	if x.db.up != nil && (x.dirty || x.db.up.replies.transactionState() == txOpen) {
		x.dirty = true
		if err := x.db.failTransaction(false); err != nil {
			return err
		}
	}
	return x.client.out.writeMessages(e.errorResponse())
}

// handleSync handles Sync.
func (x *extendedProtocol) handleSync(h header) error {
	dirty := x.dirty
	x.skipping, x.dirty, x.executed = false, false, false
	clear(x.prepared.portals)
	if dirty {
		x.db.up.replies.addReply(pendingReply{kind: msgSync})
		return x.db.up.forwardMessage(h, x.client.r)
	}
	if err := discardBody(x.client.r, h.length); err != nil {
		return err
	}
	if x.db.awaitAnswers() == repliesClosed {
		return errGone
	}
	return x.client.out.writeMessages(&pgproto3.ReadyForQuery{TxStatus: x.db.transactionState()})
}
