package pgbinary

import (
	"encoding/binary"
	"time"

	"metadb/internal/change"
)

// pgEpoch is 2000-01-01 00:00 UTC, the zero of PostgreSQL's timestamps.
const pgEpoch change.Micros = 946_684_800_000_000

// AppendTimestamptz appends a timestamptz field in binary.
func AppendTimestamptz(dst []byte, at change.Micros) []byte {
	return AppendInt64(dst, int64(at-pgEpoch))
}

// TimestamptzBytes returns a time as a parameter in binary.
func TimestamptzBytes(at change.Micros) []byte { return Int8Bytes(int64(at - pgEpoch)) }

// ReadTimestamptz decodes a timestamptz in binary.
func ReadTimestamptz(raw []byte) change.Micros {
	return change.Micros(binary.BigEndian.Uint64(raw)) + pgEpoch
}

// Timestamptzs returns times as a statement parameter.
func Timestamptzs(at []change.Micros) []time.Time {
	times := make([]time.Time, len(at))
	for i, m := range at {
		times[i] = m.UTC()
	}
	return times
}

// MicrosOf returns a time that PostgreSQL has sent.
func MicrosOf(at time.Time) change.Micros { return change.Micros(at.UnixMicro()) }
