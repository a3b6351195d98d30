package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/ident"
	"metadb/internal/testkit/eventgen"
)

// rawStream is the yardstick: rows as a binary COPY stream, made before the measurement.
type rawStream struct {
	shape  *change.Shape
	stream bytes.Buffer
	rows   int
	// row and event are the average sizes in bytes of a row in that stream and
	// of an event's key and value.
	row, event int
}

// copyHeader is the header of a binary COPY.
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
const copyHeader = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// newRawStream makes the stream of the first n rows, by encoding and decoding their events.
func newRawStream(table eventgen.Table, n int, row func(i int) []any) (*rawStream, error) {
	encoder, err := eventgen.NewEncoder(table)
	if err != nil {
		return nil, err
	}
	decoder := connectjson.NewDecoder(connectjson.Config{})
	r := &rawStream{rows: n}
	r.stream.WriteString(copyHeader)
	events := 0
	for i := range n {
		record, err := encoder.Encode(eventgen.Change{Op: 'r', Row: row(i), Time: time.Unix(1_600_000_000, 0), LSN: 1})
		if err != nil {
			return nil, err
		}
		event := decoder.Decode(&debezium.Input{Topic: record.Topic, Offset: int64(i), Key: record.Key, Value: record.Value})
		if event.Op != change.Upsert {
			return nil, fmt.Errorf("a generated event is decoded as %s: %s", event.Op, event.Reason)
		}
		r.shape = event.Shape
		r.stream.Write(binary.BigEndian.AppendUint16(nil, uint16(len(event.Shape.Columns))))
		r.stream.Write(event.Row)
		events += len(record.Key) + len(record.Value)
	}
	r.stream.Write([]byte{0xff, 0xff})
	r.row, r.event = r.stream.Len()/n, events/n
	return r, nil
}

// measureYardstick copies the rows of the table of many columns into a plain table, and returns the rate
// in rows a second.
func (b *benchSite) measureYardstick(ctx context.Context) (float64, error) {
	if b.shared.rows == nil {
		b.printLine("making %d rows", b.Rows)
		rows, err := newRawStream(b.shared.generator.instanceTable("raw"), b.Rows, func(i int) []any { return b.shared.generator.instanceRow(i, 0) })
		if err != nil {
			return 0, err
		}
		b.printLine("rows of %d bytes, events of %d bytes", rows.row, rows.event)
		b.shared.rows = rows
	}
	return b.copyRate(ctx, b.shared.rows)
}

// rateBetween returns the mean rate of two yardsticks, one before and one after a phase, since the
// speed of the machine varies.
func rateBetween(before, after float64) float64 { return 2 / (1/before + 1/after) }

// copyRate measures a raw COPY, and returns the rate in rows a second.
func (b *benchSite) copyRate(ctx context.Context, rows *rawStream) (float64, error) {
	took, err := rows.copyInto(ctx, b.metadb.Database())
	if err != nil {
		return 0, err
	}
	one := partResult{name: "raw COPY, plain table", rows: rows.rows, took: took}
	one.yardstick = one.rowsPerSecond()
	b.addResult(one)
	return one.yardstick, nil
}

// copyInto copies the stream into a plain table and returns the duration.
func (r *rawStream) copyInto(ctx context.Context, url string) (took time.Duration, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	table := ident.Name("raw").SQL()
	var sql strings.Builder
	sql.WriteString("CREATE TABLE " + table + " (")
	for i, column := range r.shape.Columns {
		if i > 0 {
			sql.WriteString(", ")
		}
		sql.WriteString(ident.Name(column.Name).SQL() + " " + column.Type.String())
	}
	if _, err := conn.Exec(ctx, sql.String()+")"); err != nil {
		return 0, fmt.Errorf("make the plain table: %w", err)
	}
	began := time.Now()
	tag, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(r.stream.Bytes()), "COPY "+table+" FROM STDIN (FORMAT binary)")
	took = time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	if int(tag.RowsAffected()) != r.rows {
		return 0, fmt.Errorf("copied %d rows of %d", tag.RowsAffected(), r.rows)
	}
	_, err = conn.Exec(ctx, "DROP TABLE "+table)
	return took, err
}
