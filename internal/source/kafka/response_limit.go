package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync/atomic"
)

// maxAnswerBytes bounds a broker's response to any request but a fetch, in bytes. The largest
// responses describe all topics: some 100 bytes for each partition.
const maxAnswerBytes = 16 << 20

// fetchAPIKey is the key of fetches in the protocol.
// https://kafka.apache.org/protocol#protocol_api_keys
const fetchAPIKey = 1

// answerSizeError is the error for a response that is announced larger than any valid one.
type answerSizeError struct{ bytes, limit uint32 }

func (e *answerSizeError) Error() string {
	return fmt.Sprintf("the broker announces an answer of %d bytes, of %d at most", e.bytes, e.limit)
}

// dialFunc makes the connections to brokers.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialLimited makes a dialer's connections refuse too large responses before memory is allocated
// for them: the other side is not authenticated and may not be a broker.
func (d dialFunc) dialLimited(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &limitedConn{Conn: conn}, nil
}

// limitedConn checks the lengths of responses. The client uses separate connections for
// fetches; on others no response may exceed maxAnswerBytes.
type limitedConn struct {
	net.Conn
	fetches atomic.Bool

	// length holds the length field of the current response, of which known bytes have been
	// read; rest counts the bytes of its body that have not. Only the client's reader uses them.
	length [4]byte
	known  int
	rest   uint32
}

// Write sends a request: its length, and which it is.
func (c *limitedConn) Write(request []byte) (int, error) {
	const lengthBytes, keyBytes = 4, 2
	if len(request) >= lengthBytes+keyBytes && binary.BigEndian.Uint16(request[lengthBytes:]) == fetchAPIKey {
		c.fetches.Store(true)
	}
	return c.Conn.Write(request)
}

// Read reads a part of an answer.
func (c *limitedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if refused := c.checkLengths(p[:n]); refused != nil {
		return 0, refused
	}
	return n, err
}

// checkLengths checks the lengths of responses in the bytes that have been read.
func (c *limitedConn) checkLengths(read []byte) error {
	for len(read) > 0 {
		if c.rest > 0 {
			n := min(len(read), int(c.rest))
			c.rest -= uint32(n)
			read = read[n:]
			continue
		}
		n := copy(c.length[c.known:], read)
		c.known += n
		read = read[n:]
		if c.known < len(c.length) {
			return nil
		}
		c.known, c.rest = 0, binary.BigEndian.Uint32(c.length[:])
		limit := uint32(maxAnswerBytes)
		if c.fetches.Load() {
			limit = maxResponseBytes
		}
		if c.rest > limit {
			return &answerSizeError{c.rest, limit}
		}
	}
	return nil
}
