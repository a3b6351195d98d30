package main

import (
	"fmt"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// TestLastMarkFilteredOutAndEarly has the mark of the last record in a table that a filter drops,
// and reads it before the records of a table in several partitions. The snapshot is complete when
// all of those are applied.
func TestLastMarkFilteredOutAndEarly(t *testing.T) {
	const rows = 3000
	broker, producer := testbed.StartBroker(t, 4)
	db := pgtest.New(t)
	step := &steps{t: t, m: installOn(t, db), db: db, broker: broker.Address()}
	s := &shelves{t: t, producer: producer, prefix: "metadb_sensor_1", rows: make([]map[int64]string, 2), encoders: make(map[string]*eventgen.Encoder)}
	for table := range s.rows {
		s.rows[table] = make(map[int64]string)
	}
	// Shelf 0 is filtered out, and has the last record.
	s.rows[0][1] = "not for analysts"
	s.write(s.encode(0, 'r', "last", 1))
	records := make([]eventgen.Record, rows)
	for id := range int64(rows) {
		s.rows[1][id] = fmt.Sprintf("title %d", id)
		records[id] = s.encode(1, 'r', "true", id)
	}
	s.write(records...)

	step.start()
	step.admin(fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_sensor_1\.', consumer_group 'metadb_sensor_1_1', table_stop_filter 'library\.shelf_00')`, broker.Address()))
	step.await("SELECT to_regclass('library.shelf_01') IS NOT NULL", "[true]")
	began := time.Now()
	for complete := false; !complete; {
		if time.Since(began) > pace.Hang {
			t.Fatal("the snapshot is not said to be complete")
		}
		var count int
		err := db.Pool.QueryRow(t.Context(), "SELECT (SELECT complete IS NOT NULL FROM metadb.resync UNION ALL SELECT false LIMIT 1), count(*) FROM library.shelf_01").Scan(&complete, &count)
		if err != nil {
			t.Fatal(err)
		}
		if complete && count < rows {
			t.Errorf("the snapshot is complete with %d of %d rows", count, rows)
		}
	}
	step.log(`source "sensor" snapshot complete (last record received)`)
	step.await("SELECT to_regclass('library.shelf_00') IS NULL", "[true]")
	step.stop()
}
