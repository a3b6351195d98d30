package apply_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// mappedDocument is a document of 1.3 KB: twelve scalars, a nested object with
// four, an array of two scalars and one of two objects.
func mappedDocument(id int64, version int) string {
	return fmt.Sprintf(`{"id": "%08d-8cca-4d9c-82e4-5170ab2a0a39", "hrid": "in%011d", "title": "A semantic web primer %d %s", "source": "FOLIO", `+
		`"copies": %d, "price": %d.50, "active": true, "staffSuppress": false, "statusUpdatedDate": "2024-03-01T10:00:00.000+00:00", `+
		`"instanceTypeId": "6312d172-f0cf-40f6-b27d-9fa8feaf332f", "modeOfIssuanceId": "9d18a02f-5897-4c31-9106-c9abb5c7ae8b", "notes": "%s", `+
		`"metadata": {"createdDate": "2024-01-01T10:00:00.000+00:00", "createdByUserId": "a3c1b2f0-0000-4000-8000-000000000001", `+
		`"updatedDate": "2024-02-01T10:00:00.000+00:00", "updatedByUserId": "a3c1b2f0-0000-4000-8000-000000000002"}, `+
		`"tags": ["important", "urgent"], `+
		`"identifiers": [{"value": "978%010d", "identifierTypeId": "8261054f-be78-422d-bd51-4ed9f33c3422"}, {"value": "(OCoLC)%d", "identifierTypeId": "439bfbae-75bc-4f74-9fc7-b2a2d47ce3ef"}]}`,
		id, id, id, strings.Repeat("of words ", 12), version, id%100, strings.Repeat("nothing of note ", 16), id, id)
}

// BenchmarkMappings measures a snapshot with four mappings against a raw binary
// COPY of the same rows, and updates of one scalar with and without mappings.
//
//	go test -run xxx -bench Mappings -benchtime 1x ./internal/target/apply
func BenchmarkMappings(b *testing.B) {
	const rows, step = 60_000, 5_000
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
	shape := &change.Shape{Columns: []change.Column{{Name: "id", Type: change.BigInt}, {Name: "doc", Type: change.JSONB}}, Key: []int{0}}
	row := func(id int64, version int) change.Row {
		out := change.AppendValue(nil, binary.BigEndian.AppendUint64(nil, uint64(id)))
		return change.AppendValue(out, append([]byte{1}, mappedDocument(id, version)...))
	}
	wire := []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for i := range rows {
		wire = append(append(wire, 0, 2), row(int64(i), 0)...)
	}
	wire = append(wire, 0xff, 0xff)
	if _, err := conn.Exec(ctx, "CREATE TABLE raw (id bigint, doc jsonb)"); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if _, err := conn.PgConn().CopyFrom(ctx, &reader{wire}, "COPY raw FROM STDIN (FORMAT binary)"); err != nil {
		b.Fatal(err)
	}
	raw := rows / time.Since(start).Seconds()
	b.Logf("raw COPY: %.0f rows/s, documents of %d bytes", raw, len(mappedDocument(1, 0)))
	for path, target := range map[string]string{"$": "t", "$.metadata": "metadata", "$.tags": "tags", "$.identifiers": "identifiers"} {
		if _, err := conn.Exec(ctx, "INSERT INTO metadb.transform_json VALUES ('library', 'mapped', 'doc', $1, $2)", path, target); err != nil {
			b.Fatal(err)
		}
	}
	applier := apply.New(apply.Config{
		Connect: connect, Source: "sensor", Group: "group", Store: catalog.NewStore(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	defer func() { _ = applier.Close(ctx) }()
	offset := int64(0)
	pass := func(name string, n, stride, version int) float64 {
		var took time.Duration
		table := change.Table{Schema: "library", Name: name}
		for first := 0; first < n; first += step {
			batch := &change.Batch{Source: "sensor"}
			for i := range step {
				batch.Events = append(batch.Events, change.Event{
					Op: change.Upsert, Source: table, Table: table, Time: change.Micros(1_700_000_000_000_000 + version*1_000_000), Shape: shape,
					Row: row(int64((first+i)*stride%rows), version),
				})
			}
			batch.Spans = []change.Span{{Partition: change.Partition{Topic: "t"}, Fresh: offset == 0, From: change.PartitionProgress{Next: offset}, To: change.PartitionProgress{Next: offset + step}}}
			offset += step
			start := time.Now()
			if _, err := applier.Apply(ctx, batch); err != nil {
				b.Fatal(err)
			}
			took += time.Since(start)
		}
		return float64(n) / took.Seconds()
	}
	for _, phase := range []struct {
		name            string
		rows, stride, v int
	}{{"snapshot", rows, 1, 0}, {"updates", rows, 1, 1}, {"random", rows / 2, 7919, 2}} {
		plain, mapped := pass("plain", phase.rows, phase.stride, phase.v), pass("mapped", phase.rows, phase.stride, phase.v)
		b.Logf("%s: %.0f rows/s without mappings, %.0f with: %.2f of that, %.2f of COPY", phase.name, plain, mapped, mapped/plain, mapped/raw)
	}
}
