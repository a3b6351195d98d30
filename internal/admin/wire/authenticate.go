package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/sys/unix"

	"metadb/internal/admin/admission"
	"metadb/internal/target/pgcode"
)

// maxPasswordBytes bounds a message of a client that is not logged in.
const maxPasswordBytes = 16 << 10

// authenticate checks the client's identity and returns its role in the database. The error is a
// clientError or an error of the connection.
func (s *Server) authenticate(ctx context.Context, start *startupState) (Role, error) {
	user := start.parameters["user"]
	if conn, ok := start.conn.(*net.UnixConn); ok {
		return s.authenticatePeer(ctx, conn, start)
	}
	if s.config.Trust && fromLoopback(start.conn) {
		return s.roles.Load().system, nil
	}
	if !start.tls && !toLoopback(start.conn) {
		s.refusals.Note(reasonTLS, admission.Host(start.raw.RemoteAddr()), fmt.Sprintf("login of user %s from %s refused: not encrypted", quoteInput(user), start.clientAddress()))
		return Role{}, fatalError(pgcode.InvalidAuthorizationSpecification, "this address needs TLS: connect with sslmode=require")
	}
	role, ok := s.findRole(user)
	if !ok {
		return Role{}, s.refuseLogin(ctx, start, reasonUser, &clientError{
			severity: severityFatal, code: pgcode.InvalidAuthorizationSpecification, message: "user " + quoteInput(user) + " may not connect to this port",
			hint: "connect as the system user: -U " + s.config.System.Name,
		})
	}
	err := s.checkPassword(start, user)
	if told, ok := errors.AsType[*clientError](err); ok {
		return Role{}, s.refuseLogin(ctx, start, reasonPassword, told)
	}
	return role, err
}

// authenticatePeer accepts the operating-system user that runs the server, and root, under any user
// name. The name selects the role.
func (s *Server) authenticatePeer(ctx context.Context, conn *net.UnixConn, start *startupState) (Role, error) {
	var err error
	if start.uid, err = peerUID(conn); err != nil {
		return Role{}, err
	}
	if start.uid != 0 && int(start.uid) != os.Geteuid() {
		return Role{}, s.refuseLogin(ctx, start, reasonPeer,
			fatalError(pgcode.InvalidAuthorizationSpecification, "only the operating-system user that runs the server, and root, may use this socket"))
	}
	if role, ok := s.findRole(start.parameters["user"]); ok {
		return role, nil
	}
	return s.roles.Load().system, nil
}

// peerUID returns the operating-system user at the other end of a Unix socket, from the kernel:
// unix(7), SO_PEERCRED.
func peerUID(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) {
		credentials, asked = unix.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if asked != nil {
		return 0, asked
	}
	return credentials.Uid, nil
}

// findRole returns the role of that name, if it may log in.
func (s *Server) findRole(user string) (Role, bool) {
	known := s.roles.Load()
	switch user {
	case "":
		return Role{}, false
	case known.system.Name:
		return known.system, true
	case known.super.Name:
		return known.super, true
	}
	return Role{}, false
}

// checkPassword authenticates the client with SCRAM. The error is a clientError if the password is
// wrong or the client's messages are not those of SCRAM.
func (s *Server) checkPassword(start *startupState, user string) error {
	conn := start.conn
	refused := fatalError(pgcode.InvalidPassword, fmt.Sprintf("password authentication failed for user %s", quoteInput(user)))
	x := &scramExchange{roleVerifier: s.roles.Load().verifiers[user], endPoint: start.endPoint}
	if err := sendMessage(conn, &pgproto3.AuthenticationSASL{AuthMechanisms: x.mechanisms()}); err != nil {
		return err
	}
	body, err := readPassword(conn)
	if err != nil {
		return err
	}
	var initial pgproto3.SASLInitialResponse
	if err := initial.Decode(body); err != nil || !x.choose(initial.AuthMechanism) {
		return refused
	}
	reply, err := x.answerFirst(string(initial.Data))
	if err != nil {
		return refused
	}
	if err := sendMessage(conn, &pgproto3.AuthenticationSASLContinue{Data: []byte(reply)}); err != nil {
		return err
	}
	if body, err = readPassword(conn); err != nil {
		return err
	}
	reply, ok, err := x.answerFinal(string(body))
	if err != nil || !ok {
		return refused
	}
	return sendMessage(conn, &pgproto3.AuthenticationSASLFinal{Data: []byte(reply)})
}

// sendMessage sends one message.
func sendMessage(conn net.Conn, message pgproto3.BackendMessage) error {
	buf, err := message.Encode(nil)
	if err != nil {
		return err
	}
	_, err = conn.Write(buf)
	return err
}

// readPassword reads the body of a password message.
func readPassword(conn net.Conn) ([]byte, error) {
	var raw [headerBytes]byte
	if _, err := io.ReadFull(conn, raw[:]); err != nil {
		return nil, err
	}
	length := int(raw[1])<<24 | int(raw[2])<<16 | int(raw[3])<<8 | int(raw[4])
	if raw[0] != msgPassword || length < 4 || length > maxPasswordBytes {
		return nil, errNoSession
	}
	body := make([]byte, length-4)
	_, err := io.ReadFull(conn, body)
	return body, err
}

// refuseLogin logs a refused login, delays the answer, and returns it. While another answer to the
// same address is delayed, this one is sent at once.
func (s *Server) refuseLogin(ctx context.Context, start *startupState, reason admission.Kind, told *clientError) error {
	addr := start.raw.RemoteAddr()
	s.refusals.Note(reason, admission.Host(addr), fmt.Sprintf("login of user %s from %s refused: %s", quoteInput(start.parameters["user"]), start.clientAddress(), told.message))
	count, answered := s.failures.Add(addr, time.Now())
	if answered == nil {
		told.message = "too many failures: " + told.message
		return told
	}
	defer answered()
	delay := time.Duration(count) * s.config.FailureDelay
	// The delay may exceed the client's deadline for the login: the answer is sent after it.
	_ = start.raw.SetDeadline(time.Now().Add(delay + goodbyeTimeout))
	sleepContext(ctx, delay)
	return told
}

// fromLoopback reports whether the client's address is a loopback address.
func fromLoopback(conn net.Conn) bool { return isLoopbackAddr(conn.RemoteAddr()) }

// toLoopback reports whether the client has connected to a loopback address.
func toLoopback(conn net.Conn) bool { return isLoopbackAddr(conn.LocalAddr()) }

func isLoopbackAddr(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
