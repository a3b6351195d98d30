package pgbinary

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL's binary COPY format is a signature, two zero words, for each row a count of fields
// and the fields, and a count of -1 at the end.
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyTrailer = "\xff\xff"
)

// copyBufferBytes is the approximate size of the blocks that are written to the connection.
const copyBufferBytes = 64 << 10

// CopyStream is an io.Reader of a binary COPY. Rows are encoded when the connection reads them.
type CopyStream struct {
	rowCount  int
	appendRow func(dst []byte, i int) []byte
	next      int
	buffer    []byte
	unread    []byte
	ended     bool
}

// NewCopyStream returns the stream of the given number of rows. The function row appends the field
// count and the fields of row i.
func NewCopyStream(rows int, row func(dst []byte, i int) []byte) *CopyStream {
	s := &CopyStream{rowCount: rows, appendRow: row, buffer: make([]byte, 0, copyBufferBytes+copyBufferBytes/4)}
	s.buffer = append(s.buffer, copyHeader...)
	s.unread = s.buffer
	return s
}

func (s *CopyStream) Read(p []byte) (int, error) {
	if len(s.unread) == 0 && !s.fillBuffer() {
		return 0, io.EOF
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *CopyStream) fillBuffer() bool {
	if s.ended {
		return false
	}
	s.buffer = s.buffer[:0]
	for s.next < s.rowCount && len(s.buffer) < copyBufferBytes {
		s.buffer = s.appendRow(s.buffer, s.next)
		s.next++
	}
	if s.next == s.rowCount {
		s.buffer = append(s.buffer, copyTrailer...)
		s.ended = true
	}
	s.unread = s.buffer
	return true
}

// CopyFrom runs the COPY statement sql, to which it adds FROM STDIN and the format.
func CopyFrom(ctx context.Context, tx pgx.Tx, sql string, stream *CopyStream) error {
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, stream, sql+" FROM STDIN (FORMAT binary)")
	if err != nil {
		return fmt.Errorf("copy rows: %w", err)
	}
	if n := tag.RowsAffected(); n != int64(stream.rowCount) {
		return fmt.Errorf("copy rows: %w", &RowCountError{Written: n, Wanted: int64(stream.rowCount)})
	}
	return nil
}

// AppendFieldCount appends the number of fields that begins a row.
func AppendFieldCount(dst []byte, fields int) []byte {
	return binary.BigEndian.AppendUint16(dst, uint16(fields))
}

// AppendNull appends a NULL.
func AppendNull(dst []byte) []byte { return append(dst, 0xff, 0xff, 0xff, 0xff) }

// AppendBool appends a boolean.
func AppendBool(dst []byte, value bool) []byte {
	dst = append(dst, 0, 0, 0, 1)
	if value {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendInt32 appends an integer.
func AppendInt32(dst []byte, value int32) []byte {
	dst = append(dst, 0, 0, 0, 4)
	return binary.BigEndian.AppendUint32(dst, uint32(value))
}

// AppendInt64 appends a bigint.
func AppendInt64(dst []byte, value int64) []byte {
	dst = append(dst, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(dst, uint64(value))
}

// AppendText appends a text.
func AppendText(dst []byte, value string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}
