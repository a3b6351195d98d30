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
)

// goodbyeTimeout bounds the last message to a client that may not be reading.
const goodbyeTimeout = time.Second

// session is one client that is let in.
type session struct {
	server *Server
	// conn is the connection, which may be encrypted; raw is the bare one.
	conn, raw net.Conn
	role      Role
	// from is where the client is.
	from string
	// parameters are what the client gave at its start, for the database.
	parameters map[string]string
	// reported is what the client has been told of the database's parameters.
	reported map[string]string
	id       uint32
	secret   []byte

	r   *bufio.Reader
	out *clientOutput

	// mu guards what other goroutines use: cancel and terminate.
	mu sync.Mutex
	// up is the connection to the database, nil until it is needed. Only the
	// main goroutine sets it.
	up *databaseConn
	// stop cancels the command in hand, nil if there is none.
	stop context.CancelFunc
	// terminated says that the server is closing.
	terminated bool

	extendedState
}

// errGone ends a session without a message: the client has left, or the
// connection is broken.
var errGone = errors.New("the client has gone")

func newSession(server *Server, start *startupState, role Role) *session {
	s := &session{
		server: server, conn: start.conn, raw: start.raw, role: role, from: start.clientAddress(), parameters: upstreamParameters(start.parameters),
		out: newOutput(start.conn), extendedState: newExtended(),
	}
	s.r = bufio.NewReaderSize(&flushingReader{s}, bufferBytes)
	return s
}

// flushingReader reads the client. Before it waits for bytes, everything that
// was written so far goes out, to both sides.
type flushingReader struct{ *session }

func (f *flushingReader) Read(p []byte) (int, error) {
	if err := f.flushBoth(); err != nil {
		return 0, err
	}
	return f.conn.Read(p)
}

func (s *session) flushBoth() error {
	if s.up != nil {
		// A broken connection to the database is the pump's to notice.
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

// sayGoodbye tells the client why its session ends, where there is a reason.
func (s *session) sayGoodbye(err error) {
	var broken *protocolError
	if errors.As(err, &broken) {
		s.sendLast(fatalError(codeProtocol, broken.message))
	}
}

// sendLast sends a message to a client whose session ends; it may not be reading.
func (s *session) sendLast(e *clientError) {
	if s.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout)) == nil && s.out.writeMessages(e.errorResponse()) == nil {
		_ = s.out.flushBuffer()
	}
}

// closeBoth ends both connections.
func (s *session) closeBoth() {
	_ = s.conn.Close()
	s.disconnect()
}

// disconnect ends the session's connection to the database.
func (s *session) disconnect() {
	if s.up != nil {
		s.up.closeConn()
	}
}

// handleMessage deals with one message of the client, whose body is still unread.
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

// handleCopy passes COPY data on, or their end. Where nobody asked for them,
// they are ignored, as PostgreSQL does.
func (s *session) handleCopy(h header) error {
	if s.up == nil {
		return discardBody(s.r, h.length)
	}
	// In the extended protocol the Sync that was sent before them counts for
	// nothing: another one has to reach the database.
	s.dirty = true
	if h.kind != msgCopyData {
		s.up.addReply(pendingReply{kind: h.kind})
	}
	return s.up.forwardMessage(h, s.r)
}

// handleFunction passes a function call on.
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

// execCommand carries out a command so that a request to cancel reaches it.
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
		return nil, sessionError(codeCanceled, messageCanceled)
	}
	if err != nil {
		return nil, commandError(err)
	}
	return &commandAnswer{result: result}, nil
}

// showProgress brings a notice to the client while a command runs. A broken
// connection is noticed when the result is sent.
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

// cancelWork cancels what the session is doing: a command, or a statement at the
// database.
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
		s.sendLast(fatalError(codeShutdown, "terminating connection due to administrator command"))
		_ = s.conn.Close()
		if up != nil {
			up.cancelOnShutdown()
		}
	})
}
