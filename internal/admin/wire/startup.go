package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/admission"
	"metadb/internal/target/pgcode"
)

// These request codes are in the place of the protocol version.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	codeCancelRequest = 80877102
	codeSSLRequest    = 80877103
	codeGSSRequest    = 80877104
	protocolMajor     = 3
)

// maxStartupBytes is PostgreSQL's limit of a startup packet.
const maxStartupBytes = 10000

// startupState is the state of a connection before its session begins.
type startupState struct {
	// conn is the connection, encrypted if tls is true; raw is the TCP or Unix connection below it.
	conn, raw net.Conn
	tls       bool
	// endPoint is the hash of the server's certificate, nil if channel binding is not offered.
	endPoint   []byte
	minor      uint16
	parameters map[string]string
	// uid is the operating-system user at the other end of a Unix socket.
	uid uint32
	// place is the client's place among those that have not logged in.
	place *admission.Place
}

// clientAddress returns the client's address, for messages.
func (st *startupState) clientAddress() string {
	if _, ok := st.raw.(*net.UnixConn); ok {
		return fmt.Sprintf("the Unix socket (uid %d)", st.uid)
	}
	return st.raw.RemoteAddr().String()
}

// errNoSession is the error of a connection that ends before a session begins, without a message or
// a log line.
var errNoSession = errors.New("no session")

// readStartup reads packets up to the startup packet. Requests for encryption may precede it, and a
// cancel request may replace it.
func (s *Server) readStartup(ctx context.Context, start *startupState) (*startupState, error) {
	// Either kind of encryption is requested at most once.
	for i := range 3 {
		head, err := readHead(start.conn)
		if err != nil {
			return start, err
		}
		if i == 0 && head[0] == handshakeRecord {
			start.place.MarkActive()
			if err := start.encryptAtOnce(ctx, s.config.TLS, head); err != nil {
				return start, err
			}
			continue
		}
		code, body, err := readPacket(start.conn, head)
		if err != nil {
			return start, err
		}
		start.place.MarkActive()
		switch code {
		case codeCancelRequest:
			if len(body) > 4 {
				s.cancelSession(ctx, binary.BigEndian.Uint32(body), body[4:])
			}
			return start, errNoSession
		case codeSSLRequest:
			if err := start.startTLS(ctx, s.config.TLS); err != nil {
				return start, err
			}
		case codeGSSRequest:
			if _, err := start.conn.Write([]byte{'N'}); err != nil {
				return start, err
			}
		default:
			return start, start.parsePacket(code, body)
		}
	}
	return start, errNoSession
}

// headBytes is the length of the header of a packet before the session: its length and its code.
const headBytes = 8

// readHead reads the header of a packet. Neither it nor readPacket reads a byte more, so that bytes
// after a request for encryption can only be read encrypted.
func readHead(conn net.Conn) (head [headBytes]byte, err error) {
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return head, errNoSession
	}
	return head, nil
}

// readPacket reads the body of a packet with that header and returns its code and body.
func readPacket(conn net.Conn, head [headBytes]byte) (code uint32, body []byte, err error) {
	length := binary.BigEndian.Uint32(head[:])
	if length < headBytes || length > maxStartupBytes {
		return 0, nil, errNoSession
	}
	body = make([]byte, int(length)-headBytes)
	if _, err := io.ReadFull(conn, body); err != nil {
		return 0, nil, errNoSession
	}
	return binary.BigEndian.Uint32(head[4:]), body, nil
}

// startTLS answers a request for TLS.
func (st *startupState) startTLS(ctx context.Context, config *tls.Config) error {
	if config == nil || st.tls {
		_, err := st.conn.Write([]byte{'N'})
		return err
	}
	if _, err := st.conn.Write([]byte{'S'}); err != nil {
		return err
	}
	_, err := st.handshake(ctx, st.conn, config)
	return err
}

// encryptAtOnce handles a client that begins with TLS. It requires the name of PostgreSQL's
// protocol, which excludes clients of other protocols, such as browsers.
func (st *startupState) encryptAtOnce(ctx context.Context, config *tls.Config, head [headBytes]byte) error {
	if config == nil {
		return errNoSession
	}
	protocol, err := st.handshake(ctx, &begunConn{conn: st.conn, first: head[:]}, config)
	if err == nil && protocol != applicationProtocol {
		err = errNoSession
	}
	return err
}

// handshake encrypts a connection, and returns the protocol that the client named, if any.
func (st *startupState) handshake(ctx context.Context, conn net.Conn, config *tls.Config) (protocol string, err error) {
	watched := watchCertificate(config, func(shown *tls.Certificate) { st.endPoint = endPoint(shown) })
	watched.NextProtos = []string{applicationProtocol}
	encrypted := tls.Server(conn, watched)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return "", errNoSession
	}
	st.conn, st.tls = encrypted, true
	return encrypted.ConnectionState().NegotiatedProtocol, nil
}

// parsePacket reads a startup packet of protocol 3: pairs of null-terminated strings,
// and a null.
func (st *startupState) parsePacket(version uint32, body []byte) error {
	if version>>16 != protocolMajor {
		return fatalError(pgcode.FeatureNotSupported, "unsupported frontend protocol: this server supports 3.0")
	}
	st.minor = uint16(version)
	st.parameters = make(map[string]string)
	fields := bytes.Split(body, []byte{0})
	for i := 0; i+1 < len(fields) && len(fields[i]) > 0; i += 2 {
		st.parameters[string(fields[i])] = string(fields[i+1])
	}
	if st.parameters["user"] == "" {
		return fatalError(pgcode.InvalidAuthorizationSpecification, "no PostgreSQL user name specified in startup packet")
	}
	if st.parameters["replication"] != "" && st.parameters["replication"] != "false" {
		return fatalError(pgcode.FeatureNotSupported, "replication connections are not supported on this port")
	}
	return nil
}

// versionMessages returns the supported version for a client that requested more than protocol 3.0.
func (st *startupState) versionMessages() []pgproto3.BackendMessage {
	var options []string
	for name := range st.parameters {
		if strings.HasPrefix(name, "_pq_.") {
			options = append(options, name)
			delete(st.parameters, name)
		}
	}
	if st.minor == 0 && len(options) == 0 {
		return nil
	}
	slices.Sort(options)
	return []pgproto3.BackendMessage{&pgproto3.NegotiateProtocolVersion{
		NewestMinorProtocol: pgproto3.ProtocolVersion30, UnrecognizedOptions: options,
	}}
}

// serveConn serves a client from its first byte to the end of its session. Until it has logged in
// it has one of the pending places.
func (s *Server) serveConn(ctx context.Context, pending *admission.Places, conn net.Conn) {
	waiting, evict := context.WithCancel(ctx)
	defer evict()
	start := &startupState{conn: conn, raw: conn, place: pending.Enter(conn.RemoteAddr(), func() {
		evict()
		_ = conn.SetReadDeadline(time.Now())
	})}
	defer start.place.Leave()
	session, err := s.makeSession(ctx, waiting, start)
	if err != nil {
		if waiting.Err() != nil && ctx.Err() == nil {
			err = s.notePlaceLost(start)
		}
		rejectClient(start.conn, err)
		return
	}
	defer s.unregisterSession(session)
	session.serveClient(ctx)
}

// makeSession returns the session of a new client. waiting ends when the client loses its place.
func (s *Server) makeSession(ctx, waiting context.Context, start *startupState) (*session, error) {
	began := time.Now()
	if err := start.setDeadline(waiting, began.Add(s.config.GreetingTimeout)); err != nil {
		return nil, err
	}
	start, err := s.readStartup(ctx, start)
	if err != nil {
		return nil, err
	}
	if err := start.setDeadline(waiting, began.Add(s.config.StartupTimeout)); err != nil {
		return nil, err
	}
	return s.openSession(ctx, waiting, start)
}

// setDeadline sets the client's deadline. It fails if the client has lost its place.
func (st *startupState) setDeadline(waiting context.Context, deadline time.Time) error {
	if err := st.raw.SetDeadline(deadline); err != nil {
		return err
	}
	// The eviction cancels the context before it sets its own deadline.
	return waiting.Err()
}

// notePlaceLost records that a client has lost its place to another one, and returns the error for
// it.
func (s *Server) notePlaceLost(start *startupState) error {
	line := fmt.Sprintf("client at %s dropped before it logged in: too many are waiting", start.raw.RemoteAddr())
	s.refusals.Note(reasonPending, admission.Host(start.raw.RemoteAddr()), line)
	_ = start.raw.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	return tooManyError()
}

// openSession checks the client's identity, the database and the limits, and opens a session. The
// caller must unregister it.
func (s *Server) openSession(ctx, waiting context.Context, start *startupState) (*session, error) {
	role, err := s.authenticate(waiting, start)
	if err != nil {
		return nil, err
	}
	if !start.place.Leave() {
		return nil, tooManyError()
	}
	database := start.parameters["database"]
	if database == "" {
		database = start.parameters["user"]
	}
	if database != s.config.Database && database != "metadb" {
		return nil, &clientError{
			severity: severityFatal, code: pgcode.InvalidCatalogName, message: "database " + quoteInput(database) + " does not exist",
			hint: "connect with: -d metadb",
		}
	}
	session := newSession(s, start, role)
	ok, err := s.registerSession(session)
	if err != nil {
		return nil, err
	}
	if !ok {
		s.refusals.Note(reasonRoom, admission.Host(start.raw.RemoteAddr()), fmt.Sprintf("login of user %s from %s refused: too many clients", quoteInput(start.parameters["user"]), start.clientAddress()))
		return nil, tooManyError()
	}
	s.noteLogin(start, role)
	if err := session.greetClient(ctx, start); err != nil {
		s.unregisterSession(session)
		session.db.disconnect()
		return nil, err
	}
	return session, nil
}

// rejectClient sends a client the error, if it is one for the client.
func rejectClient(conn net.Conn, err error) {
	var told *clientError
	if !errors.As(err, &told) {
		return
	}
	// An error of the write does not matter: the connection is closed next.
	if buf, err := told.errorResponse().Encode(nil); err == nil {
		_, _ = conn.Write(buf)
	}
}
