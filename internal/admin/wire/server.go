package wire

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"log/slog"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"metadb/internal/admin/admission"
)

// Server is the administration port.
type Server struct {
	Config
	listeners []net.Listener
	roles     atomic.Pointer[roleTable]

	mu      sync.Mutex
	closing bool
	// conns are the connections of each listener.
	conns    map[net.Listener]map[net.Conn]bool
	sessions map[uint32]*session
	// reported caches, for each role, the parameters that the database
	// reports at a connection's start.
	reported map[string]map[string]string
	working  sync.WaitGroup

	// pending are the clients of each listener that have not logged in.
	pending  map[net.Listener]*admission.Places
	failures admission.FailedLogins
	// refusals are logins refused, logins those that were not.
	refusals, logins admission.Digest
}

// Listen opens the port. [Server.Serve] has to follow.
func Listen(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		Config: config,
		conns:  make(map[net.Listener]map[net.Conn]bool), sessions: make(map[uint32]*session), reported: make(map[string]map[string]string),
		pending:  make(map[net.Listener]*admission.Places),
		refusals: admission.Digest{Subject: refusalSubject, Level: slog.LevelWarn, Logger: config.Logger, Interval: config.DigestInterval},
		logins:   admission.Digest{Subject: refusalSubject, Level: slog.LevelInfo, Logger: config.Logger, Interval: config.DigestInterval},
	}
	if err := s.SetPasswords(config.System.Password, config.Super.Password); err != nil {
		return nil, err
	}
	tcp, err := listenTCP(&config)
	if err != nil {
		return nil, err
	}
	s.listeners = append(s.listeners, tcp)
	if config.SocketDir == "" {
		return s, nil
	}
	unix, err := listenUnix(&config, tcp.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	if unix != nil {
		s.listeners = append(s.listeners, unix)
	}
	return s, nil
}

// Addr returns the TCP address that the server listens on.
func (s *Server) Addr() *net.TCPAddr { return s.listeners[0].Addr().(*net.TCPAddr) }

// Serve accepts clients until ctx ends. It then ends their sessions with
// PostgreSQL's message for that, and returns when all are gone.
func (s *Server) Serve(ctx context.Context) error {
	for _, listener := range s.listeners {
		s.pending[listener] = admission.NewPlaces(s.Pending)
	}
	for _, listener := range s.listeners {
		s.working.Go(func() { s.acceptClients(ctx, listener) })
	}
	s.working.Go(func() { s.refusals.Run(ctx) })
	s.working.Go(func() { s.logins.Run(ctx) })
	<-ctx.Done()
	err := s.shutdown()
	s.working.Wait()
	return err
}

// RefusalCounts returns how many clients have been refused, by reason.
func (s *Server) RefusalCounts() map[string]int64 {
	refused := make(map[string]int64)
	for _, reason := range refusalReasons() {
		refused[reason.Label] = 0
	}
	maps.Copy(refused, s.refusals.Totals())
	return refused
}

// acceptClients serves the clients of one listener until it is closed. Other errors,
// such as too many open files, pass.
func (s *Server) acceptClients(ctx context.Context, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.refusals.Note(reasonAccept, "", err.Error())
			sleepContext(ctx, acceptPause)
			continue
		}
		if !s.registerConn(listener, conn) {
			_ = conn.Close()
			continue
		}
		s.working.Go(func() {
			defer s.unregisterConn(listener, conn)
			s.serveConn(ctx, s.pending[listener], conn)
		})
	}
}

// reservedSessions are for those who come through the Unix socket when all
// others are taken: they may be the ones who have to help.
const reservedSessions = 3

// tooManyError is what a client hears for whom there is no room.
func tooManyError() *clientError { return fatalError(codeTooMany, "sorry, too many clients already") }

// acceptPause is how long the server waits after it could not accept a client.
const acceptPause = 100 * time.Millisecond

// sleepContext waits, but not longer than ctx.
func sleepContext(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// registerConn takes note of a connection, and refuses it if the server is closing. Each listener
// has its own places for clients that have not logged in: whoever floods the network's does
// not reach the socket's.
func (s *Server) registerConn(listener net.Listener, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := s.conns[listener]
	if conns == nil {
		conns = make(map[net.Conn]bool)
		s.conns[listener] = conns
	}
	if s.closing {
		return false
	}
	conns[conn] = true
	return true
}

func (s *Server) unregisterConn(listener net.Listener, conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns[listener], conn)
}

// shutdown closes the listeners, tells the sessions, and closes what does not
// end by itself.
func (s *Server) shutdown() error {
	var err error
	for _, listener := range s.listeners {
		err = errors.Join(err, listener.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	told := make(map[net.Conn]bool, len(s.sessions))
	for _, session := range s.sessions {
		session.terminate()
		told[session.raw] = true
	}
	for _, conns := range s.conns {
		for conn := range conns {
			if !told[conn] {
				_ = conn.Close()
			}
		}
	}
	return err
}

// registerSession gives a session its key. It returns false if there are too many.
func (s *Server) registerSession(session *session) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.MaxSessions
	if _, ok := session.conn.(*net.UnixConn); ok {
		limit += reservedSessions
	}
	if s.closing || len(s.sessions) >= limit {
		return false, nil
	}
	for {
		var key [8]byte
		if _, err := rand.Read(key[:]); err != nil {
			return false, err
		}
		// Clients print the process id as a signed number: keep it positive.
		session.id = binary.BigEndian.Uint32(key[:]) >> 1
		session.secret = key[4:]
		if _, taken := s.sessions[session.id]; !taken && session.id != 0 {
			s.sessions[session.id] = session
			return true, nil
		}
	}
}

// Sessions is how many sessions there are.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

func (s *Server) unregisterSession(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
}

// cancelSession cancels what the session with that key is doing; a wrong key does
// nothing, and the client is never told.
func (s *Server) cancelSession(ctx context.Context, id uint32, secret []byte) {
	s.mu.Lock()
	session := s.sessions[id]
	s.mu.Unlock()
	if session != nil && subtle.ConstantTimeCompare(session.secret, secret) == 1 {
		session.cancelWork(ctx)
	}
}
