package apply

import (
	"context"
	"encoding/binary"
)

// Statements whose parameters and results are in PostgreSQL's binary formats, as
// rows are: those that every row of the stream passes through.

// Types of arrays' elements, by their object identifiers.
const (
	boolOID        = 16
	int4OID        = 23
	int8OID        = 20
	textOID        = 25
	timestamptzOID = 1184
)

// newBinaryArray begins an array of n elements, n > 0, to which they are appended as
// fields of a binary COPY.
func newBinaryArray(element uint32, n int) []byte { return appendArrayHeader(nil, element, n) }

func appendArrayHeader(dst []byte, element uint32, n int) []byte {
	const dimensions, hasNull, lowerBound = 1, 0, 1
	for _, word := range []uint32{dimensions, hasNull, element, uint32(n), lowerBound} {
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	return dst
}

// binaryFormats says that every parameter or result is in binary.
var binaryFormats = []int16{1}

// queryBinary runs a query and hands over the values of each row; they are good until
// take returns.
func (r *batchTx) queryBinary(ctx context.Context, sql string, params [][]byte, take func(row [][]byte)) error {
	reader := r.tx.Conn().PgConn().ExecParams(ctx, sql, params, nil, binaryFormats, binaryFormats)
	for reader.NextRow() {
		take(reader.Values())
	}
	_, err := reader.Close()
	return err
}

// execBinary runs a statement that has to change so many rows.
func (r *batchTx) execBinary(ctx context.Context, sql string, params [][]byte, rows int) error {
	tag, err := r.tx.Conn().PgConn().ExecParams(ctx, sql, params, nil, binaryFormats, nil).Close()
	if err != nil {
		return err
	}
	if n := tag.RowsAffected(); n != int64(rows) {
		return &rowCountError{written: n, wanted: int64(rows)}
	}
	return nil
}
