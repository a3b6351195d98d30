package wire

import (
	"bufio"
	"io"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
)

// bufferBytes is the size of each of a session's buffers.
const bufferBytes = 8 << 10

// clientOutput writes to the client, for both goroutines of the session. A message is written
// without interruption; only a broken connection truncates it.
type clientOutput struct {
	mu  sync.Mutex
	w   *bufio.Writer
	buf []byte
}

func newOutput(w io.Writer) *clientOutput {
	return &clientOutput{w: bufio.NewWriterSize(w, bufferBytes)}
}

// writeMessages writes messages to the buffer; flushBuffer sends them to the client.
func (o *clientOutput) writeMessages(messages ...pgproto3.BackendMessage) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = o.buf[:0]
	for _, m := range messages {
		var err error
		if o.buf, err = m.Encode(o.buf); err != nil {
			return err
		}
	}
	_, err := o.w.Write(o.buf)
	if cap(o.buf) > bufferBytes {
		o.buf = nil
	}
	return err
}

// relayMessage copies a message of the database unchanged.
func (o *clientOutput) relayMessage(h header, body *bufio.Reader) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = h.append(o.buf[:0])
	if _, err := o.w.Write(o.buf); err != nil {
		return err
	}
	return relayBody(o.w, body, h.length)
}

// relayPlain writes an error or a notice of the database without control characters. utf8 is true
// if its encoding is UTF-8.
func (o *clientOutput) relayPlain(h header, body *bufio.Reader, utf8 bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = h.append(o.buf[:0])
	if _, err := o.w.Write(o.buf); err != nil {
		return err
	}
	plain := &plainWriter{to: o.w, utf8: utf8}
	if err := relayBody(plain, body, h.length); err != nil {
		return err
	}
	return plain.finish()
}

// flushBuffer sends the buffered messages to the client.
func (o *clientOutput) flushBuffer() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Flush()
}
