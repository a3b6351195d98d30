package apply

import (
	"context"
	"encoding/binary"
)

// Statements that process each row of the stream have parameters and results in PostgreSQL's binary
// formats, as change.Row has.

// These are the OIDs of the element types of arrays.
const (
	boolOID        = 16
	int4OID        = 23
	int8OID        = 20
	textOID        = 25
	timestamptzOID = 1184
)

// newBinaryArray returns the header of an array of n elements, n > 0. The caller appends the
// elements as fields of a binary COPY.
func newBinaryArray(element uint32, n int) []byte { return appendArrayHeader(nil, element, n) }

func appendArrayHeader(dst []byte, element uint32, n int) []byte {
	const dimensions, hasNull, lowerBound = 1, 0, 1
	for _, word := range []uint32{dimensions, hasNull, element, uint32(n), lowerBound} {
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	return dst
}

// binaryFormats selects the binary format for every parameter or result.
var binaryFormats = []int16{1}

// queryBinary runs a query and calls take with the values of each row. They are valid until take
// returns.
func (r *batchTx) queryBinary(ctx context.Context, sql string, params [][]byte, take func(row [][]byte)) error {
	reader := r.tx.Conn().PgConn().ExecParams(ctx, sql, params, nil, binaryFormats, binaryFormats)
	for reader.NextRow() {
		take(reader.Values())
	}
	_, err := reader.Close()
	return err
}

// execBinary runs a statement that must change the given number of rows.
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
