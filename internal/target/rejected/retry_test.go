package rejected_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/target/metaschema"
	"metadb/internal/target/rejected"
	"metadb/internal/testkit/pgtest"
)

// setUp returns a database with rejected events: 700 of partition 1 and, stored after them, 3 of
// partition 0 with values of 3 MB each.
func setUp(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`INSERT INTO metadb.rejected_event (source_name, topic, partition, "offset", reason, key, value, headers, later)
			SELECT 'sensor', 't', 1, 1000 - n, 'r', '\x00ff'::bytea, decode(to_hex(n + 4096), 'hex'), ARRAY['\x61', '\x00', '\x62', NULL]::bytea[],
				CASE WHEN n % 2 = 0 THEN '2026-03-01 10:00:00.000001+00'::timestamptz END
			FROM generate_series(1, 700) n`,
		`INSERT INTO metadb.rejected_event (source_name, topic, partition, "offset", reason, value)
			SELECT 'sensor', 't', 0, n, 'r', convert_to(repeat('x', 3000000), 'UTF8') FROM generate_series(1, 3) n`,
		`INSERT INTO metadb.rejected_event (source_name, topic, partition, "offset", reason) VALUES ('other', 't', 0, 1, 'r')`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// TestRetryInPieces checks that all events of the source are retried as they were received, by
// partition and offset, in transactions of bounded size. A transaction with a lock conflict is
// repeated.
func TestRetryInPieces(t *testing.T) {
	t.Parallel()
	db := setUp(t)
	var seen []change.Position
	var pieces []int
	done, refused := 0, 2
	tally, err := rejected.Retry(t.Context(), rejected.Config{
		DB: db.Pool, Source: "sensor", Logger: slog.New(slog.DiscardHandler),
		Exclusively: func(do func() error) error { return do() },
		Done:        func(n int) { done += n },
		Decode: func(at change.Position, _ *change.Record) change.Event {
			switch {
			case at.Offset == 400:
				return change.Event{}
			case at.Offset == 500:
				return change.Event{NoKey: true, Reason: "no key"}
			}
			return change.Event{Op: change.Delete}
		},
		Apply: func(_ context.Context, events []change.RejectedEvent) (change.Outcome, error) {
			if refused--; refused >= 0 {
				return change.Outcome{}, fmt.Errorf("apply: %w", &pgconn.PgError{Code: "55P03"})
			}
			pieces = append(pieces, len(events))
			var out change.Outcome
			for i := range events {
				e := &events[i].Event
				seen = append(seen, e.Position)
				switch e.Op {
				case change.Delete:
					out.Applied++
				case change.Reject:
					out.Rejected++
				}
				if e.Position.Partition.Number == 1 {
					checkRecord(t, &events[i])
				}
			}
			return out, nil
		},
	})
	if want := (rejected.RetryStats{Applied: 701, Rejected: 1, Filtered: 1}); err != nil || tally != want || done != 702 {
		t.Errorf("got %+v, %d done, %v, want %+v", tally, done, err, want)
	}
	if !slices.Equal(pieces, []int{2, 500, 201}) {
		t.Errorf("pieces of %v events", pieces)
	}
	if !slices.IsSortedFunc(seen, func(a, b change.Position) int {
		return int(a.Partition.Number-b.Partition.Number)*10_000 + int(a.Offset-b.Offset)
	}) {
		t.Errorf("out of order: %v", seen)
	}
}

func checkRecord(t *testing.T, r *change.RejectedEvent) {
	t.Helper()
	n := 1000 - r.Event.Position.Offset
	e := &r.Event
	if value := []byte{byte((n + 4096) >> 8), byte(n + 4096)}; !bytes.Equal(e.Record.Key, []byte{0, 255}) || !bytes.Equal(e.Record.Value(), value) {
		t.Errorf("%s: key %x, value %x, want %x", e.Position, e.Record.Key, e.Record.Value(), value)
	}
	if h := e.Record.Headers; len(h) != 2 || h[0].Name != "a" || !bytes.Equal(h[0].Value, []byte{0}) || h[1].Name != "b" || h[1].Value != nil {
		t.Errorf("%s: headers %+v", e.Position, h)
	}
	later := time.Date(2026, 3, 1, 10, 0, 0, 1000, time.UTC).UnixMicro()
	if (r.SupersededAt != nil) != (n%2 == 0) || r.SupersededAt != nil && int64(*r.SupersededAt) != later {
		t.Errorf("%s: later is %v", e.Position, r.SupersededAt)
	}
}
