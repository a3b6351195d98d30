//go:build e2e

package server

import (
	"strings"
	"testing"

	"metadb/internal/testkit/pgtest"
)

// TestFullDisk fills the disk. The status shows it, also after a restart; when there is space
// again the stream continues, and no row is lost or stored twice.
func TestFullDisk(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Disk: 48 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, patron := installOn(t, pgtest.NewOnDisk(t, cluster)), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: patron, loan: patron.another(loans())}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.loan.change('c', 1, "A", "")
	f.awaitText(t, current, "1=Ada")
	f.awaitText(t, loansNow, "1=A")

	if err := cluster.FillDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	const rows = 500
	long := strings.Repeat("n", 300)
	for id := range int64(rows) {
		patron.change('u', id+1, long, "")
	}
	f.awaitState(t, "error", "No space left on device")
	f.stop(t)
	f.running = i.start(t)
	f.awaitState(t, "error", "No space left on device")
	f.loan.change('u', 1, "B", "")

	if err := cluster.FreeDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "active", "")
	f.awaitText(t, "SELECT count(*) || ' ' || min(length(name)) FROM library.patron", "500 300")
	f.awaitText(t, versions, "501")
	f.awaitText(t, loansNow, "1=B")
	f.awaitText(t, "SELECT count(*)::text FROM metadb.rejected_event", "0")
}

// TestFullTablespace fills the disk of one table's own tablespace. The table waits and is in the
// status; the other tables are applied.
func TestFullTablespace(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Disk: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, patron := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: patron, loan: patron.another(loans())}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.loan.change('c', 1, "A", "")
	f.awaitText(t, current, "1=Ada")
	f.awaitText(t, loansNow, "1=A")
	f.exec(t, "ALTER TABLE library.patron SET TABLESPACE "+pgtest.DiskTablespace)
	if err := cluster.FillDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	const rows = 100
	for id := range int64(rows) {
		patron.change('u', id+1, strings.Repeat("n", 300), "")
	}
	f.awaitState(t, "error", "table library.patron waits, the others go on")
	f.awaitState(t, "error", "No space left on device")
	f.loan.change('u', 1, "B", "")
	f.awaitText(t, loansNow, "1=B")
	if err := cluster.FreeDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitState(t, "active", "")
	f.awaitText(t, "SELECT count(*) || ' ' || min(length(name)) FROM library.patron", "100 300")
	f.awaitText(t, versions, "101")
}
