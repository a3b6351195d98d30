package wire

import (
	"bufio"
	"errors"
	"net"
	"time"

	"metadb/internal/target/pgcode"
)

// goodbyeTimeout bounds the write of the last message: the client may not read.
const goodbyeTimeout = time.Second

// client is the connection to the client.
type client struct {
	// conn is the connection, which may be encrypted; raw is the TCP or Unix connection below it.
	conn, raw net.Conn
	// from is the client's address, for messages.
	from string
	r    *bufio.Reader
	out  *clientOutput
}

// flushingReader reads from the client. Before a read it flushes the buffers to the client and to
// the database.
type flushingReader struct {
	client *client
	db     *backend
}

func (f *flushingReader) Read(p []byte) (int, error) {
	f.db.flushBuffer()
	if err := f.client.out.flushBuffer(); err != nil {
		return 0, err
	}
	return f.client.conn.Read(p)
}

// sayGoodbye sends the client a protocol error, if that ended the session.
func (c *client) sayGoodbye(err error) {
	var broken *protocolError
	if errors.As(err, &broken) {
		c.sendLast(fatalError(pgcode.ProtocolViolation, broken.message))
	}
}

// sendLast sends the last message of a session, with a deadline: the client may not read.
func (c *client) sendLast(e *clientError) {
	if c.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout)) == nil && c.out.writeMessages(e.errorResponse()) == nil {
		_ = c.out.flushBuffer()
	}
}
