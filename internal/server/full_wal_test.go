//go:build e2e

package server

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/testkit/pgtest"
)

// TestFullWAL fills the disk of the write-ahead log, which an unused replication slot retains.
// PostgreSQL ends with a PANIC and recovers when there is space. The commits that it has lost are
// read again.
func TestFullWAL(t *testing.T) {
	for name, settings := range map[string][]string{
		"PostgreSQL's defaults": nil,
		// Another process may still fail first.
		"the stream's own process finds out": {
			"wal_buffers = 64kB", "wal_writer_delay = 10s", "wal_writer_flush_after = 1GB", "max_wal_size = 1GB",
			"bgwriter_lru_maxpages = 0", "autovacuum = off",
		},
	} {
		t.Run(name, func(t *testing.T) { fillWAL(t, settings) })
	}
}

func fillWAL(t *testing.T, settings []string) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{WALDisk: 32 << 20, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, patron := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: patron, loan: patron.another(loans())}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.awaitText(t, current, "1=Ada")

	f.exec(t, "SELECT pg_create_physical_replication_slot('left_behind', true)")
	if err := cluster.FillWALDisk(); err != nil {
		t.Fatal(err)
	}
	const rows = 4000
	for id := range int64(rows) {
		patron.change('u', id+1, strings.Repeat("n", 1900), "")
	}
	f.await(t, "see PostgreSQL go down for good", func() error {
		if pid, err := cluster.Pid(); err == nil {
			return fmt.Errorf("process %d runs", pid)
		}
		return nil
	})
	const down = "whether PostgreSQL is running; its last words were: "
	f.awaitState(t, "error", down)
	f.awaitLog(t, down)

	if err := cluster.FreeWALDisk(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.StartAfterFailure(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "active", "")
	f.awaitText(t, "SELECT count(*) || ' ' || min(length(name)) FROM library.patron", fmt.Sprint(rows, " 1900"))
	f.awaitText(t, versions, fmt.Sprint(rows+1))
	f.awaitText(t, "SELECT count(*)::text FROM metadb.rejected_event", "0")
}
