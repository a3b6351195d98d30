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
	"metadb/internal/target/pgcode"
)

// Server is the administration port.
type Server struct {
	config    Config
	listeners []net.Listener
	roles     atomic.Pointer[roleTable]

	mu      sync.Mutex
	closing bool
	// conns contains the connections of each listener.
	conns    map[net.Listener]map[net.Conn]bool
	sessions map[uint32]*session
	// reported caches, for each role, the parameters that the database reports when a connection
	// starts.
	reported map[string]map[string]string
	working  sync.WaitGroup

	// pending contains the clients of each listener that have not logged in.
	pending  map[net.Listener]*admission.Places
	failures admission.FailedLogins
	// refusals counts refused logins, logins successful ones.
	refusals, logins admission.Digest
}

// Listen opens the listeners. The caller must call [Server.Serve] next.
func Listen(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config,
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

// Serve accepts clients until ctx ends. It then ends their sessions with PostgreSQL's message for a
// shutdown, and returns when all have ended.
func (s *Server) Serve(ctx context.Context) error {
	for _, listener := range s.listeners {
		s.pending[listener] = admission.NewPlaces(s.config.Pending)
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

// RefusalCounts returns the number of refused clients, by reason.
func (s *Server) RefusalCounts() map[string]int64 {
	refused := make(map[string]int64)
	for _, reason := range refusalReasons() {
		refused[reason.Label] = 0
	}
	maps.Copy(refused, s.refusals.Totals())
	return refused
}

// acceptClients serves the clients of a listener until it is closed. After other errors, such as
// too many open files, it tries again.
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

// reservedSessions is the number of sessions that are reserved for the Unix socket when all others
// are in use, for the administrator who has to repair that.
const reservedSessions = 3

// tooManyError returns the error for a client beyond the limits.
func tooManyError() *clientError {
	return fatalError(pgcode.TooManyConnections, "sorry, too many clients already")
}

// acceptPause is the pause after an error of Accept.
const acceptPause = 100 * time.Millisecond

// sleepContext waits for d or the end of ctx.
func sleepContext(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// registerConn records a connection. It returns false if the server is closing.
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

// shutdown closes the listeners, terminates the sessions, and closes the connections that have no
// session.
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
		told[session.client.raw] = true
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

// registerSession gives a session its key. It returns false if the limit is reached or the server
// is closing.
func (s *Server) registerSession(session *session) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.config.MaxSessions
	if _, ok := session.client.conn.(*net.UnixConn); ok {
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
		// Clients print the process id as a signed number, so it has to be positive.
		session.id = binary.BigEndian.Uint32(key[:]) >> 1
		session.secret = key[4:]
		if _, taken := s.sessions[session.id]; !taken && session.id != 0 {
			s.sessions[session.id] = session
			return true, nil
		}
	}
}

// Sessions returns the number of sessions.
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

// cancelSession cancels the running work of the session with that key. A wrong key has no effect.
// The client gets no answer in either case.
func (s *Server) cancelSession(ctx context.Context, id uint32, secret []byte) {
	s.mu.Lock()
	session := s.sessions[id]
	s.mu.Unlock()
	if session != nil && subtle.ConstantTimeCompare(session.secret, secret) == 1 {
		session.cancelWork(ctx)
	}
}
