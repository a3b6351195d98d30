package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// shelves is a source with tables of equal size, library.shelf_00 and on, in the order of
// endsync. It keeps their rows.
type shelves struct {
	t        *testing.T
	producer *testbed.Producer
	rows     []map[int64]string
	lsn      uint64
	// attempt is the position of the current snapshot, which all of its records have.
	attempt uint64
	// prefix is the prefix of the connector's topics.
	prefix   string
	encoders map[string]*eventgen.Encoder
}

// gone is the interval of ids with a delete that the stream has lost: every tenth.
const gone = 10

// shelfName returns the name of a table.
func shelfName(table int) string { return fmt.Sprintf("library.shelf_%02d", table) }

// encode encodes a change of one row as a record.
func (s *shelves) encode(table int, op byte, mark string, id int64) eventgen.Record {
	s.t.Helper()
	topic := s.prefix + "." + shelfName(table)
	encoder := s.encoders[topic]
	if encoder == nil {
		var err error
		if encoder, err = eventgen.NewEncoder(eventgen.Table{
			Prefix: s.prefix, Schema: "library", Name: fmt.Sprintf("shelf_%02d", table), Key: []int{0},
			Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "title"}},
		}); err != nil {
			s.t.Fatal(err)
		}
		s.encoders[topic] = encoder
	}
	lsn := s.attempt
	if mark == "" || lsn == 0 {
		s.lsn += 8
		lsn = s.lsn
	}
	if mark != "" {
		s.attempt = lsn
	}
	record, err := encoder.Encode(eventgen.Change{
		Op: op, Row: []any{id, s.rows[table][id]}, LSN: lsn, TxID: int64(lsn), Snapshot: mark,
		Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(lsn) * time.Microsecond),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return record
}

// fill creates the source's tables with rows.
func (s *shelves) fill(tables int, rows int64) {
	s.encoders, s.rows = make(map[string]*eventgen.Encoder), make([]map[int64]string, tables)
	for table := range s.rows {
		s.rows[table] = make(map[int64]string)
		for id := range rows {
			s.rows[table][id] = fmt.Sprintf("title %d", id)
		}
	}
}

// begin begins a snapshot of the connector, or begins it anew.
func (s *shelves) begin() {
	s.lsn += 8
	s.attempt = s.lsn
}

// snapshot writes all rows as a new connector's snapshot.
func (s *shelves) snapshot() {
	s.t.Helper()
	s.begin()
	var records []eventgen.Record
	for table, rows := range s.rows {
		for id := range rows {
			records = append(records, s.encode(table, 'r', "true", id))
		}
	}
	for id := range s.rows[0] { // repeat one of them as the last record
		records = append(records, s.encode(0, 'r', "last", id))
		break
	}
	s.write(records...)
}

// change changes one row in every table and adds one.
func (s *shelves) change(n int64) {
	s.t.Helper()
	var records []eventgen.Record
	for table, rows := range s.rows {
		for _, id := range []int64{1, 100_001 + gone*n} {
			rows[id] = fmt.Sprintf("change %d", n)
			records = append(records, s.encode(table, 'u', "", id))
		}
	}
	s.write(records...)
}

func (s *shelves) write(records ...eventgen.Record) {
	s.t.Helper()
	if err := s.producer.Write(s.t.Context(), records...); err != nil {
		s.t.Fatal(err)
	}
}

// compare waits until the current rows are the source's.
func (s *shelves) compare(step *steps) {
	s.t.Helper()
	for table, held := range s.rows {
		var want []string
		for id, title := range held {
			want = append(want, fmt.Sprintf("%d %s", id, title))
		}
		slices.Sort(want)
		step.await(fmt.Sprintf(`SELECT md5(coalesce(string_agg(id || ' ' || title, ',' ORDER BY id || ' ' || title COLLATE "C"), '')) FROM %s`, shelfName(table)),
			step.query(fmt.Sprintf("SELECT md5('%s')", strings.Join(want, ","))))
	}
}

// unconfirmed returns a running installation at the end of a resynchronization that has not
// confirmed every tenth row: only endsync remains.
func unconfirmed(t *testing.T, step *steps, producer *testbed.Producer, tables int, rows int64) *shelves {
	t.Helper()
	s := &shelves{t: t, producer: producer, prefix: "metadb_sensor_1"}
	s.fill(tables, rows)
	s.snapshot()
	step.start()
	step.create()
	step.log(`source "sensor" snapshot complete (last record received)`)
	step.admin("endsync data source sensor")
	step.await("SELECT sync FROM metadb.source", "[0]")
	for _, held := range s.rows {
		for id := int64(0); id < rows; id += gone {
			delete(held, id)
		}
	}
	s.prefix = "metadb_sensor_2"
	step.admin(`alter data source sensor options (set topics '^metadb_sensor_2\.', set consumer_group 'metadb_sensor_2_1')`)
	s.snapshot()
	step.admin("sync data source sensor")
	step.await("SELECT complete FROM metadb.resync", "[last record received]")
	return s
}

// half is the observed state of a table's rows that are gone at the source: the number of current
// and of ended ones.
type half struct{ current, ended int64 }

// look reads all tables in one statement, as readers do.
func (s *shelves) look(ctx context.Context, conn *pgx.Conn) ([]half, error) {
	parts := make([]string, len(s.rows))
	for table := range s.rows {
		parts[table] = fmt.Sprintf("SELECT %d AS n, count(*) FILTER (WHERE __current) AS current, count(*) FILTER (WHERE NOT __current) AS ended FROM %s__ WHERE id %% %d = 0",
			table, shelfName(table), gone)
	}
	rows, err := conn.Query(ctx, "SELECT current, ended FROM ("+strings.Join(parts, " UNION ALL ")+") AS s ORDER BY n")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (half, error) {
		var seen half
		err := row.Scan(&seen.current, &seen.ended)
		return seen, err
	})
}
