package wire

import (
	"net"
	"time"
)

// A client may begin with TLS instead of an SSLRequest, which saves a round trip. It then names the
// protocol inside TLS.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
const (
	// handshakeRecord is the first byte of TLS. A packet of PostgreSQL begins with its length,
	// which is below 2^24.
	handshakeRecord = 0x16
	// applicationProtocol is PostgreSQL's name in ALPN.
	applicationProtocol = "postgresql"
)

// begunConn is a connection with first bytes that have been read already.
type begunConn struct {
	conn  net.Conn
	first []byte
}

var _ net.Conn = (*begunConn)(nil)

// Read returns the bytes that have been read already, then those of the connection.
func (b *begunConn) Read(p []byte) (int, error) {
	if len(b.first) == 0 {
		return b.conn.Read(p)
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}

func (b *begunConn) Write(p []byte) (int, error)         { return b.conn.Write(p) }
func (b *begunConn) Close() error                        { return b.conn.Close() }
func (b *begunConn) LocalAddr() net.Addr                 { return b.conn.LocalAddr() }
func (b *begunConn) RemoteAddr() net.Addr                { return b.conn.RemoteAddr() }
func (b *begunConn) SetDeadline(at time.Time) error      { return b.conn.SetDeadline(at) }
func (b *begunConn) SetReadDeadline(at time.Time) error  { return b.conn.SetReadDeadline(at) }
func (b *begunConn) SetWriteDeadline(at time.Time) error { return b.conn.SetWriteDeadline(at) }
