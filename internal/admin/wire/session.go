package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"metadb/internal/target/pgcode"
)

// session is the session of a client that is logged in.
type session struct {
	server   *Server
	client   *client
	db       *backend
	commands *commandRunner
	simple   *simpleProtocol
	extended *extendedProtocol
	id       uint32
	secret   []byte
}

// errGone ends a session without a message: the client has left, or the connection is broken.
var errGone = errors.New("the client has gone")

func newSession(server *Server, start *startupState, role Role) *session {
	client := &client{conn: start.conn, raw: start.raw, from: start.clientAddress(), out: newOutput(start.conn)}
	prepared := newPreparedCommands()
	db := &backend{server: server, client: client, role: role, parameters: upstreamParameters(start.parameters), prepared: prepared}
	client.r = bufio.NewReaderSize(&flushingReader{client: client, db: db}, bufferBytes)
	commands := &commandRunner{server: server, client: client, db: db, role: role, prepared: prepared}
	return &session{
		server: server, client: client, db: db, commands: commands,
		simple:   &simpleProtocol{client: client, db: db, commands: commands},
		extended: &extendedProtocol{client: client, db: db, commands: commands, prepared: prepared},
	}
}

// serveClient serves the client until it leaves.
func (s *session) serveClient(ctx context.Context) {
	defer s.closeBoth()
	if err := s.client.conn.SetDeadline(time.Time{}); err != nil {
		return
	}
	for {
		h, err := readHeader(s.client.r)
		if err == nil {
			err = s.handleMessage(ctx, h)
		}
		if err != nil {
			s.client.sayGoodbye(err)
			return
		}
	}
}

// closeBoth closes the connections to the client and to the database.
func (s *session) closeBoth() {
	_ = s.client.conn.Close()
	s.db.disconnect()
}

// handleMessage handles one message of the client. Its body is still unread.
func (s *session) handleMessage(ctx context.Context, h header) error {
	switch h.kind {
	case msgTerminate:
		return errGone
	case msgQuery, msgFunction:
		return s.handleSimple(ctx, h)
	case msgParse, msgBind, msgDescribe, msgExecute, msgClose, msgSync, msgFlush:
		return s.extended.handleExtended(ctx, h)
	case msgCopyData, msgCopyDone, msgCopyFail:
		return s.handleCopy(h)
	}
	return &protocolError{fmt.Sprintf("invalid frontend message type %d", h.kind)}
}

// handleSimple handles a message of the simple protocol, which is ignored where one of the extended
// protocol has failed.
func (s *session) handleSimple(ctx context.Context, h header) error {
	switch {
	case s.extended.skipping:
		return discardBody(s.client.r, h.length)
	case h.kind == msgFunction:
		return s.simple.handleFunction(ctx, h)
	}
	return s.simple.handleQuery(ctx, h)
}

// handleCopy sends COPY data, or their end, to the database. The database ignores them if it does
// not expect any; so does this function without a connection.
func (s *session) handleCopy(h header) error {
	if s.db.up == nil {
		return discardBody(s.client.r, h.length)
	}
	// In the extended protocol the database ignores a Sync that was sent before the COPY data: it
	// needs another one.
	s.extended.dirty = true
	if h.kind != msgCopyData {
		s.db.up.replies.addReply(pendingReply{kind: h.kind})
	}
	return s.db.up.forwardMessage(h, s.client.r)
}

// cancelWork cancels the running command, or the statement in the database.
func (s *session) cancelWork(ctx context.Context) {
	if s.commands.cancel() {
		return
	}
	up := s.db.connection()
	if up == nil {
		return
	}
	ctx, done := context.WithTimeout(ctx, connectTimeout)
	defer done()
	if err := up.cancelStatement(ctx); err != nil && !errors.Is(err, io.EOF) {
		s.server.config.Logger.Debug(fmt.Sprintf("cancel request: %v", err))
	}
}

// terminate ends the session because the server stops.
func (s *session) terminate() {
	up := s.db.markTerminated()
	s.commands.cancel()
	if up != nil {
		up.replies.closeReplies()
	}
	s.server.working.Go(func() {
		s.client.sendLast(fatalError(pgcode.AdminShutdown, "terminating connection due to administrator command"))
		_ = s.client.conn.Close()
		if up != nil {
			up.cancelOnShutdown()
		}
	})
}
