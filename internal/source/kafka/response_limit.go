package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync/atomic"
)

// largestAnswer bounds an answer of a broker that is no fetch, in bytes. The largest tell of
// all topics: some 100 bytes for each partition.
const largestAnswer = 16 << 20

// fetchKey is the key of fetches in the protocol.
// https://kafka.apache.org/protocol#protocol_api_keys
const fetchKey = 1

// answerSizeError says that a broker announces an answer that is too large to be one.
type answerSizeError struct{ bytes, limit uint32 }

func (e *answerSizeError) Error() string {
	return fmt.Sprintf("the broker announces an answer of %d bytes, of %d at most", e.bytes, e.limit)
}

// dialer makes the connections to brokers.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// limited makes a dialer's connections refuse answers that are too large before memory is taken for
// them: what answers may be no broker, and has not shown who it is.
func (d dialer) limited(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &limitedConn{Conn: conn}, nil
}

// limitedConn follows the lengths of answers. The client has connections for fetches alone; on others
// nothing may be larger than largestAnswer.
type limitedConn struct {
	net.Conn
	fetches atomic.Bool

	// length is that of the answer that is being read, of which its first bytes have come; rest is
	// how much of its body has not. Only the client's reader uses them.
	length [4]byte
	known  int
	rest   uint32
}

// Write sends a request: its length, and which it is.
func (c *limitedConn) Write(request []byte) (int, error) {
	const lengthBytes, keyBytes = 4, 2
	if len(request) >= lengthBytes+keyBytes && binary.BigEndian.Uint16(request[lengthBytes:]) == fetchKey {
		c.fetches.Store(true)
	}
	return c.Conn.Write(request)
}

// Read reads a part of an answer.
func (c *limitedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if refused := c.follow(p[:n]); refused != nil {
		return 0, refused
	}
	return n, err
}

// follow looks at the lengths in what has been read.
func (c *limitedConn) follow(read []byte) error {
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
		limit := uint32(largestAnswer)
		if c.fetches.Load() {
			limit = largestResponse
		}
		if c.rest > limit {
			return &answerSizeError{c.rest, limit}
		}
	}
	return nil
}
