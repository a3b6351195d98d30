package main

import (
	"slices"
	"testing"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pgtest"
)

// TestKillDuringASnapshot kills the server, a process of PostgreSQL and all of PostgreSQL while a
// resynchronization reads its snapshot and changes come. Confirmed rows stay confirmed, endsync
// finds no risk, and ends exactly the rows that are gone.
func TestKillDuringASnapshot(t *testing.T) {
	pgtest.SkipShort(t)
	const tables, rows = 3, 2000
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	l, step := newLostStreamOn(t, pgtest.NewOn(t, cluster))
	s := unconfirmed(t, step, l.producer, tables, rows)
	step.admin("endsync data source sensor")
	step.admin("sync data source sensor")

	// Every row with an id that ends in 1 is deleted without an event.
	s.begin()
	var records []eventgen.Record
	for id := range int64(rows) {
		for table, held := range s.rows {
			if id%gone == 1 {
				delete(held, id)
			}
			if _, exists := held[id]; exists {
				records = append(records, s.encode(table, 'r', "true", id))
			}
		}
	}
	k := &endsyncKiller{steps: step, cluster: cluster, shelves: s}
	kinds := slices.Repeat([]func(){k.killServer, k.killBackend, k.crashDatabase}, 2)
	for i, part := range slices.Collect(slices.Chunk(records, len(records)/len(kinds)+1)) {
		s.write(part...)
		kinds[i]() // at an arbitrary point of these records
	}
	s.rows[0][2] = "changed"
	s.write(s.encode(0, 'u', "", 2), s.encode(0, 'r', "last", 3))
	step.await("SELECT complete FROM metadb.resync", "[last record received]")
	step.expect("endsync data source sensor",
		"library.shelf_00 1800 1600 200\nlibrary.shelf_01 1800 1600 200\nlibrary.shelf_02 1800 1600 200")
	s.compare(step)
	step.stop()
}
