package apply_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

const (
	benchRows  = 300_000
	benchBatch = 5_000
	benchTexts = 18
)

// wideShape has 25 columns. Its rows have about 1.2 KB.
func wideShape() *change.Shape {
	s := &change.Shape{Columns: []change.Column{{Name: "id", Type: change.BigInt}}, Key: []int{0}}
	for i := range 6 {
		s.Columns = append(s.Columns, change.Column{Name: fmt.Sprintf("n%d", i), Type: change.Integer})
	}
	for i := range benchTexts {
		s.Columns = append(s.Columns, change.Column{Name: fmt.Sprintf("t%d", i), Type: change.Text})
	}
	return s
}

func wideRow(id int64, version int) change.Row {
	row := change.AppendValue(nil, binary.BigEndian.AppendUint64(nil, uint64(id)))
	for i := range 6 {
		row = cellInt(row, int32(id)*int32(i+1)+int32(version))
	}
	for i := range benchTexts {
		row = change.AppendValue(row, fmt.Appendf(nil, "%060d", id*int64(i+1)))
	}
	return row
}

// BenchmarkApply compares the write strategies with a raw binary COPY of the same rows into a plain
// table in the same run. It reports rows per second and the ratio to the COPY.
//
//	go test -run xxx -bench Apply -benchtime 1x ./internal/target/apply
func BenchmarkApply(b *testing.B) {
	ctx := context.Background()
	cluster, err := pgtest.NewCluster(ctx, pgtest.Options{Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	connect := func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, cluster.URL("postgres")) }
	conn, err := connect(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := metaschema.Ensure(ctx, conn, "bench"); err != nil {
		b.Fatal(err)
	}
	raw := rawCopy(b, conn)
	applier := apply.New(apply.Config{
		Connect: connect, Source: "sensor", Group: "group", Store: catalog.NewStore(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	defer func() { _ = applier.Close(ctx) }()
	shape, offset := wideShape(), int64(0)
	pass := func(b *testing.B, rows, step, version int, at change.Micros, confirm bool) {
		var batches []*change.Batch
		for first := 0; first < rows; first += benchBatch {
			batch := &change.Batch{Source: "sensor"}
			for i := range benchBatch {
				batch.Events = append(batch.Events, change.Event{
					Op: change.Upsert, Confirm: confirm, Source: patron, Table: patron, Time: at, Shape: shape, Row: wideRow(int64((first+i)*step%benchRows+1), version),
				})
			}
			batch.Spans = []change.Span{{Partition: change.Partition{Topic: "t"}, Fresh: offset == 0, From: change.PartitionProgress{Next: offset}, To: change.PartitionProgress{Next: offset + benchBatch}}}
			offset += benchBatch
			batches = append(batches, batch)
		}
		start := time.Now()
		for _, batch := range batches {
			if _, err := applier.Apply(ctx, batch); err != nil {
				b.Fatal(err)
			}
		}
		rate := float64(rows) / time.Since(start).Seconds()
		b.ReportMetric(rate, "rows/s")
		b.ReportMetric(rate/raw, "ofCOPY")
	}
	b.Run("snapshot", func(b *testing.B) { pass(b, benchRows, 1, 0, 1_700_000_000_000_000, false) })
	b.Run("identical", func(b *testing.B) { pass(b, benchRows, 1, 0, 1_700_000_001_000_000, true) })
	b.Run("updates", func(b *testing.B) { pass(b, benchRows/3, 7919, 1, 1_700_000_002_000_000, false) })
}

// rawCopy returns the rows per second of a binary COPY into a plain table.
func rawCopy(b *testing.B, conn *pgx.Conn) float64 {
	sql := "CREATE TABLE raw (id bigint"
	for i := range 6 {
		sql += fmt.Sprintf(", n%d integer", i)
	}
	for i := range benchTexts {
		sql += fmt.Sprintf(", t%d text", i)
	}
	if _, err := conn.Exec(b.Context(), sql+")"); err != nil {
		b.Fatal(err)
	}
	wire := []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for i := range benchRows {
		wire = binary.BigEndian.AppendUint16(wire, uint16(7+benchTexts))
		wire = append(wire, wideRow(int64(i+1), 0)...)
	}
	wire = append(wire, 0xff, 0xff)
	start := time.Now()
	if _, err := conn.PgConn().CopyFrom(b.Context(), &reader{wire}, "COPY raw FROM STDIN (FORMAT binary)"); err != nil {
		b.Fatal(err)
	}
	rate := benchRows / time.Since(start).Seconds()
	b.Logf("raw COPY: %.0f rows/s", rate)
	return rate
}

type reader struct{ rest []byte }

func (r *reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
