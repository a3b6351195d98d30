package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// goodbyeTimeout bounds the write of the last message: the client may not read.
const goodbyeTimeout = time.Second

// session is the session of a client that is logged in.
type session struct {
	server *Server
	// conn is the connection, which may be encrypted; raw is the TCP or Unix connection below it.
	conn, raw net.Conn
	role      Role
	// from is the client's address, for messages.
	from string
	// parameters contains the client's startup parameters that are for the database.
	parameters map[string]string
	// reported contains the database's parameters as they were sent to the client.
	reported map[string]string
	id       uint32
	secret   []byte

	r   *bufio.Reader
	out *clientOutput

	// mu guards the fields that other goroutines use, for cancel and terminate.
	mu sync.Mutex
	// up is the connection to the database, nil until it is needed. Only the main goroutine sets
	// it.
	up *databaseConn
	// stop cancels the running command, nil without one.
	stop context.CancelFunc
	// terminated is true if the server is closing.
	terminated bool

	extendedState
}

// errGone ends a session without a message: the client has left, or the connection is broken.
var errGone = errors.New("the client has gone")

func newSession(server *Server, start *startupState, role Role) *session {
	s := &session{
		server: server, conn: start.conn, raw: start.raw, role: role, from: start.clientAddress(), parameters: upstreamParameters(start.parameters),
		out: newOutput(start.conn), extendedState: newExtended(),
	}
	s.r = bufio.NewReaderSize(&flushingReader{s}, bufferBytes)
	return s
}

// flushingReader reads from the client. Before a read it flushes the buffers to the client and to
// the database.
type flushingReader struct{ *session }

func (f *flushingReader) Read(p []byte) (int, error) {
	if err := f.flushBoth(); err != nil {
		return 0, err
	}
	return f.conn.Read(p)
}

func (s *session) flushBoth() error {
	if s.up != nil {
		// The pump handles a broken connection to the database.
		_ = s.up.w.Flush()
	}
	return s.out.flushBuffer()
}

// serveClient serves the client until it leaves.
func (s *session) serveClient(ctx context.Context) {
	defer s.closeBoth()
	if err := s.conn.SetDeadline(time.Time{}); err != nil {
		return
	}
	for {
		h, err := readHeader(s.r)
		if err == nil {
			err = s.handleMessage(ctx, h)
		}
		if err != nil {
			s.sayGoodbye(err)
			return
		}
	}
}

// sayGoodbye sends the client a protocol error, if that ended the session.
func (s *session) sayGoodbye(err error) {
	var broken *protocolError
	if errors.As(err, &broken) {
		s.sendLast(fatalError(pgcode.ProtocolViolation, broken.message))
	}
}

// sendLast sends the last message of a session, with a deadline: the client may not read.
func (s *session) sendLast(e *clientError) {
	if s.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout)) == nil && s.out.writeMessages(e.errorResponse()) == nil {
		_ = s.out.flushBuffer()
	}
}

// closeBoth closes the connections to the client and to the database.
func (s *session) closeBoth() {
	_ = s.conn.Close()
	s.disconnect()
}

// disconnect closes the session's connection to the database.
func (s *session) disconnect() {
	if s.up != nil {
		s.up.closeConn()
	}
}

// handleMessage handles one message of the client. Its body is still unread.
func (s *session) handleMessage(ctx context.Context, h header) error {
	switch h.kind {
	case msgTerminate:
		return errGone
	case msgQuery:
		return s.handleQuery(ctx, h)
	case msgParse, msgBind, msgDescribe, msgExecute, msgClose, msgSync, msgFlush:
		return s.handleExtended(ctx, h)
	case msgFunction:
		return s.handleFunction(ctx, h)
	case msgCopyData, msgCopyDone, msgCopyFail:
		return s.handleCopy(h)
	}
	return &protocolError{fmt.Sprintf("invalid frontend message type %d", h.kind)}
}

// handleCopy sends COPY data, or their end, to the database. The database ignores them if it does
// not expect any; so does this function without a connection.
func (s *session) handleCopy(h header) error {
	if s.up == nil {
		return discardBody(s.r, h.length)
	}
	// In the extended protocol the database ignores a Sync that was sent before the COPY data: it
	// needs another one.
	s.dirty = true
	if h.kind != msgCopyData {
		s.up.addReply(pendingReply{kind: h.kind})
	}
	return s.up.forwardMessage(h, s.r)
}

// handleFunction sends a function call to the database.
func (s *session) handleFunction(ctx context.Context, h header) error {
	if s.skipping {
		return discardBody(s.r, h.length)
	}
	if err := s.connectDatabase(ctx); err != nil {
		return errors.Join(discardBody(s.r, h.length), s.failQuery(err))
	}
	s.up.addReply(pendingReply{kind: msgFunction})
	return s.up.forwardMessage(h, s.r)
}

// failQuery answers a message of the simple protocol with an error.
func (s *session) failQuery(err *clientError) error {
	return s.out.writeMessages(err.errorResponse(), &pgproto3.ReadyForQuery{TxStatus: s.transactionState()})
}

// transactionState returns the state of the transaction.
func (s *session) transactionState() byte {
	if s.up == nil {
		return txIdle
	}
	return s.up.transactionState()
}

// execCommand executes a command and makes it cancelable by cancelWork.
func (s *session) execCommand(ctx context.Context, parsed lang.Command) (*commandAnswer, *clientError) {
	if d, ok := parsed.(deallocateCommand); ok {
		return s.deallocateLocal(d)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.setStop(stop)
	defer s.setStop(nil)
	s.auditCommand(parsed)
	result, err := s.server.Executor.Exec(command.WithProgress(ctx, s.showProgress), parsed)
	if err != nil && ctx.Err() != nil {
		return nil, sessionError(pgcode.QueryCanceled, messageCanceled)
	}
	if err != nil {
		return nil, commandError(err)
	}
	return &commandAnswer{result: result}, nil
}

// showProgress sends a notice to the client while a command runs. The error of a broken connection
// is returned when the result is sent.
func (s *session) showProgress(n command.Notice) {
	if s.out.writeMessages(noticeResponse(n)) == nil {
		_ = s.out.flushBuffer()
	}
}

func (s *session) setStop(stop context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = stop
}

// cancelWork cancels the running command, or the statement in the database.
func (s *session) cancelWork(ctx context.Context) {
	s.mu.Lock()
	up, stop := s.up, s.stop
	s.mu.Unlock()
	switch {
	case stop != nil:
		stop()
	case up != nil:
		ctx, done := context.WithTimeout(ctx, connectTimeout)
		defer done()
		if err := up.cancelStatement(ctx); err != nil && !errors.Is(err, io.EOF) {
			s.server.Logger.Debug(fmt.Sprintf("cancel request: %v", err))
		}
	}
}

// terminate ends the session because the server stops.
func (s *session) terminate() {
	s.mu.Lock()
	s.terminated = true
	up, stop := s.up, s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	if up != nil {
		up.pendingReplies.closeReplies()
	}
	s.server.working.Go(func() {
		s.sendLast(fatalError(pgcode.AdminShutdown, "terminating connection due to administrator command"))
		_ = s.conn.Close()
		if up != nil {
			up.cancelOnShutdown()
		}
	})
}
