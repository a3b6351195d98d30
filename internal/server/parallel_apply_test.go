package server

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
)

// sideEvents is a number of events of each table that is far more than the minimum for dividing a
// batch.
const sideEvents = 2000

// burst changes rows of both tables at the same time, often enough for the batches to be divided.
// The rows' names identify the burst.
func (f *tableFaultTest) burst(t *testing.T, name string) {
	t.Helper()
	var records []eventgen.Record
	for i := range sideEvents {
		for _, of := range []*feed{f.patron, f.loan} {
			of.lsn += 8
			record, err := of.encoder.Encode(eventgen.Change{
				Op: 'u', Row: []any{int64(i), name}, LSN: of.lsn, TxID: int64(of.lsn), Time: time.Date(2026, 3, 1, 0, 0, int(of.lsn), 0, time.UTC),
			})
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, record)
		}
	}
	if err := f.patron.producer.Write(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"patron", "loan"} {
		f.awaitText(t, fmt.Sprintf("SELECT count(*)::text FROM library.%s WHERE name = '%s'", table, name), strconv.Itoa(sideEvents))
	}
}

// sessions returns the number of sessions that apply.
func (f *tableFaultTest) sessions(t *testing.T) (n int) {
	t.Helper()
	const sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'metadb stream' AND datname = current_database()"
	if err := f.db.Pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const dividedNoMore = "tables are applied one after the other for a while"

// TestTwoSessions checks that a second session is opened for two tables with many events, and
// that an ended session is replaced.
func TestTwoSessions(t *testing.T) {
	f := newTableFaultTest(t)
	if n := f.sessions(t); n != 1 {
		t.Errorf("few changes are applied by %d sessions", n)
	}
	bursts := 0
	f.await(t, "have two sessions", func() error {
		bursts++
		f.burst(t, fmt.Sprint("burst ", bursts))
		if n := f.sessions(t); n != 2 {
			return fmt.Errorf("%d sessions", n)
		}
		return nil
	})
	for _, table := range []string{"patron", "loan"} { // with the row that newTableFaultTest makes
		f.awaitText(t, fmt.Sprintf("SELECT count(*)::text FROM library.%s__", table), strconv.Itoa(bursts*sideEvents+1))
	}
	if f.logged(dividedNoMore) == nil {
		t.Error("a share failed")
	}
	f.exec(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'metadb stream'")
	f.burst(t, "after the end")
	f.awaitState(t, "active", "")
}

// TestNoSecondConnection checks that the first session applies everything, and the stream is
// active, if the database has no connection left for the second one.
func TestNoSecondConnection(t *testing.T) {
	f, others := newConnectionLimit(t)
	f.loan = f.patron.another(loans())
	f.loan.change('c', 1, "A", "")
	f.awaitText(t, loansNow, "1=A")
	others.fill(t)
	bursts := 0
	f.await(t, "miss a connection", func() error {
		bursts++
		f.burst(t, fmt.Sprint("burst ", bursts))
		return f.logged(dividedNoMore + ": connect to the database: ")
	})
	f.burst(t, "alone")
	f.awaitState(t, "active", "")
	if n := f.sessions(t); n != 1 {
		t.Errorf("%d sessions", n)
	}
	if f.logged("batch rolled back") == nil {
		t.Error("the stream is said to have failed")
	}
}
