package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Types of the frontend's messages.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	msgBind      = 'B'
	msgClose     = 'C'
	msgCopyData  = 'd'
	msgCopyDone  = 'c'
	msgCopyFail  = 'f'
	msgDescribe  = 'D'
	msgExecute   = 'E'
	msgFlush     = 'H'
	msgFunction  = 'F'
	msgParse     = 'P'
	msgPassword  = 'p'
	msgQuery     = 'Q'
	msgSync      = 'S'
	msgTerminate = 'X'
)

const (
	headerBytes = 5
	// maxMessageBytes is PostgreSQL's own limit.
	maxMessageBytes = 1<<30 - 1
)

// header is the header of a message: its type and the length of its body.
type header struct {
	kind   byte
	length int
}

// readHeader reads a header. The error is io.EOF only if the stream ends between two messages.
func readHeader(r *bufio.Reader) (header, error) {
	raw, err := r.Peek(headerBytes)
	if err != nil {
		if len(raw) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return header{}, err
	}
	h := header{kind: raw[0]}
	n := binary.BigEndian.Uint32(raw[1:])
	if n < 4 || n > maxMessageBytes {
		return h, &protocolError{fmt.Sprintf("invalid message length %d", n)}
	}
	h.length = int(n) - 4
	_, err = r.Discard(headerBytes)
	return h, err
}

// append appends the header to buf.
func (h header) append(buf []byte) []byte {
	return binary.BigEndian.AppendUint32(append(buf, h.kind), uint32(h.length)+4)
}

// readBody reads a body. The caller has checked the length. The buffer grows with the bytes that
// arrive, not with the announced length.
func readBody(r *bufio.Reader, length int) ([]byte, error) {
	const step = 64 << 10
	body := make([]byte, 0, min(length, step))
	for len(body) < length {
		n := min(length-len(body), step)
		at := len(body)
		body = append(body, make([]byte, n)...)
		if _, err := io.ReadFull(r, body[at:]); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// relayBody copies a body in pieces. It never reads during a write, so that the reader below r may
// flush w.
func relayBody(w io.Writer, r *bufio.Reader, length int) error {
	for length > 0 {
		piece, err := r.Peek(min(length, max(r.Buffered(), 1)))
		if err != nil {
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		if _, err := r.Discard(len(piece)); err != nil {
			return err
		}
		length -= len(piece)
	}
	return nil
}

// discardBody reads a body and discards it.
func discardBody(r *bufio.Reader, length int) error { return relayBody(io.Discard, r, length) }

// protocolError is a violation of the protocol by a client.
type protocolError struct{ message string }

func (v *protocolError) Error() string { return v.message }
