package pgbinary

import (
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5"
)

// These are the OIDs of the element types of arrays.
const (
	BoolOID        = 16
	Int4OID        = 23
	Int8OID        = 20
	TextOID        = 25
	TimestamptzOID = 1184
)

// NewArray returns the header of an array of n elements, n > 0. The caller appends the elements as
// fields of a binary COPY.
func NewArray(element uint32, n int) []byte { return AppendArrayHeader(nil, element, n) }

// AppendArrayHeader appends the header of an array of n elements.
func AppendArrayHeader(dst []byte, element uint32, n int) []byte {
	const dimensions, hasNull, lowerBound = 1, 0, 1
	for _, word := range []uint32{dimensions, hasNull, element, uint32(n), lowerBound} {
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	return dst
}

// binaryFormats selects the binary format for every parameter or result.
var binaryFormats = []int16{1}

// Query runs a query and calls take with the values of each row. They are valid until take
// returns.
func Query(ctx context.Context, tx pgx.Tx, sql string, params [][]byte, take func(row [][]byte)) error {
	reader := tx.Conn().PgConn().ExecParams(ctx, sql, params, nil, binaryFormats, binaryFormats)
	for reader.NextRow() {
		take(reader.Values())
	}
	_, err := reader.Close()
	return err
}

// Exec runs a statement that must change the given number of rows.
func Exec(ctx context.Context, tx pgx.Tx, sql string, params [][]byte, rows int) error {
	tag, err := tx.Conn().PgConn().ExecParams(ctx, sql, params, nil, binaryFormats, nil).Close()
	if err != nil {
		return err
	}
	if n := tag.RowsAffected(); n != int64(rows) {
		return &RowCountError{Written: n, Wanted: int64(rows)}
	}
	return nil
}

// Int8Array returns an array of bigint as a parameter.
func Int8Array(values []int64) []byte {
	array := NewArray(Int8OID, len(values))
	for _, value := range values {
		array = AppendInt64(array, value)
	}
	return array
}

// Int8Bytes returns a bigint as a parameter.
func Int8Bytes(value int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(value)) }
