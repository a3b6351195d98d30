package pgbinary_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/pgbinary"
)

// TestCopyStream reads streams with few and with many blocks, and finds the header, each row and the
// trailer of PostgreSQL's binary COPY format.
func TestCopyStream(t *testing.T) {
	for _, rows := range []int{0, 1, 20_000} {
		stream := pgbinary.NewCopyStream(rows, func(dst []byte, i int) []byte {
			return pgbinary.AppendInt64(pgbinary.AppendFieldCount(dst, 1), int64(i))
		})
		got, err := io.ReadAll(stream)
		if err != nil {
			t.Fatal(err)
		}
		want := []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
		for i := range rows {
			want = append(want, 0, 1, 0, 0, 0, 8)
			want = binary.BigEndian.AppendUint64(want, uint64(i))
		}
		want = append(want, 0xff, 0xff)
		if !bytes.Equal(got, want) {
			t.Errorf("%d rows: got %d bytes, want %d", rows, len(got), len(want))
		}
	}
}

// TestTimestamptz checks that a time is the same after it was encoded and decoded.
func TestTimestamptz(t *testing.T) {
	for _, at := range []int64{0, -1, 946_684_800_000_000, 253_402_214_400_000_000} {
		field := pgbinary.AppendTimestamptz(nil, change.Micros(at))
		if got := pgbinary.ReadTimestamptz(field[4:]); got != change.Micros(at) {
			t.Errorf("%d became %d", at, got)
		}
	}
}
