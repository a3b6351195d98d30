package pipeline

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

var (
	loan      = change.Table{Schema: "library", Name: "loan"}
	loanPart0 = change.Partition{Topic: "library.loan", Number: 0}
	loanPart1 = change.Partition{Topic: "library.loan", Number: 1}
)

// stuckError is the applier's error for a table that it can't change.
type stuckError struct {
	table change.Table
	code  string
}

func (e stuckError) Error() string       { return "view report.loans depends on it" }
func (e stuckError) SQLState() string    { return e.code }
func (e stuckError) Table() change.Table { return e.table }

func loanAt(part change.Partition, offset int64) change.Event {
	e := upsert(part, offset, uint64(offset)+1, change.Micros(offset)+1)
	e.Source = loan
	return e
}

// offsets returns the offsets of a batch's records, by partition.
func offsets(b *change.Batch) map[change.Partition][]int64 {
	found := make(map[change.Partition][]int64)
	for _, e := range b.Events {
		found[e.Position.Partition] = append(found[e.Position.Partition], e.Position.Offset)
	}
	return found
}

func wantOffsets(t *testing.T, b *change.Batch, want map[change.Partition][]int64) {
	t.Helper()
	if got := offsets(b); !maps.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// failUntilParked lets a batch fail as often as it takes to park a table.
func (r *harness) failUntilParked(first *change.Batch, table change.Table) {
	r.t.Helper()
	for i := range maxTableFailures {
		if i > 0 && r.batch() != first {
			r.t.Fatal("another batch came")
		}
		r.answer(stuckError{table, "0A000"})
	}
}

func TestOneTableWaitsAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.LongestPause = time.Hour })
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{}), begin(loanPart1, change.PartitionProgress{})},
			Events:   []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1), loanAt(loanPart1, 0)},
		})
		r.failUntilParked(r.batch(), loan)
		others := r.batch()
		wantOffsets(t, others, map[change.Partition][]int64{part0: {0}})
		if len(others.Spans) != 1 || others.Spans[0].Partition != part0 {
			t.Errorf("got the spans %+v", others.Spans)
		}
		r.answer(nil)
		synctest.Wait()
		paused := r.lastPaused()
		slices.SortFunc(paused, func(a, b change.Partition) int { return int(a.Number - b.Number) })
		if !slices.Equal(paused, []change.Partition{loanPart0, loanPart1}) {
			t.Errorf("paused are %v", paused)
		}
		// Events that were fetched before wait too, and do not stop the others.
		r.send(change.Delivery{Events: []change.Event{loanAt(loanPart0, 1), upsert(part0, 1, 2, 2)}})
		wantOffsets(t, r.batch(), map[change.Partition][]int64{part0: {1}})
		r.answer(nil)

		again := r.batch()
		wantOffsets(t, again, map[change.Partition][]int64{loanPart0: {0, 1}, loanPart1: {0}})
		if again.LockTimeout != shortLockTimeout {
			t.Error("the others are kept waiting")
		}
		r.answer(stuckError{loan, "55P03"})
		again = r.batch()
		for _, span := range again.Spans {
			if want := map[change.Partition]int64{loanPart0: 2, loanPart1: 1}[span.Partition]; span.From.Next != 0 || span.To.Next != want {
				t.Errorf("got the span %+v", span)
			}
		}
		var last error
		for len(r.reporter.failures) > 0 {
			last = <-r.reporter.failures
		}
		if want := "table library.loan waits, the others go on: view report.loans depends on it"; last == nil || last.Error() != want {
			t.Errorf("reported %v, want %s", last, want)
		}
		r.answer(nil)
		synctest.Wait()
		if paused := r.lastPaused(); len(paused) != 0 {
			t.Errorf("paused are %v", paused)
		}
		r.send(change.Delivery{Events: []change.Event{loanAt(loanPart0, 2)}})
		wantOffsets(t, r.batch(), map[change.Partition][]int64{loanPart0: {2}})
		r.answer(nil)
		synctest.Wait()
		select {
		case <-r.reporter.active:
		default:
			t.Error("the stream is not said to be active")
		}
		_ = r.stop()
		for _, want := range []string{"table library.loan waits", "table library.loan goes on"} {
			if strings.Count(r.log.String(), want) != 1 {
				t.Errorf("%q is not once in the log:\n%s", want, r.log)
			}
		}
	})
}

// lastPaused returns the partitions of the last call of Pause.
func (r *harness) lastPaused() []change.Partition {
	r.t.Helper()
	paused := <-r.source.paused
	for len(r.source.paused) > 0 {
		paused = <-r.source.paused
	}
	return paused
}

// TestFaultsOfTheDatabaseParkNothing expects failures of the whole database to park no table.
func TestFaultsOfTheDatabaseParkNothing(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	first := r.batch()
	for _, code := range []string{"53100", "57P01", "25006", "40001", "08006"} {
		for range maxTableFailures {
			r.answer(stuckError{table, code})
			if r.batch() != first {
				t.Fatalf("%s parks a table", code)
			}
		}
	}
	r.answer(errors.New("no code"))
	if r.batch() != first {
		t.Error("an error without a code parks a table")
	}
	r.answer(nil)
}

// fakeTableOnlyError is a full disk of one table.
type fakeTableOnlyError struct{ stuckError }

func (fakeTableOnlyError) IsTableOnly() bool { return true }

// TestDiskOfOneTable expects a full tablespace to park the tables in it.
func TestDiskOfOneTable(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
		Events:   []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
	})
	first := r.batch()
	for range maxTableFailures {
		wantOffsets(t, first, map[change.Partition][]int64{loanPart0: {0}, part0: {0}})
		r.answer(fakeTableOnlyError{stuckError{loan, "53100"}})
		first = r.batch()
	}
	wantOffsets(t, first, map[change.Partition][]int64{part0: {0}})
	r.answer(nil)
}

// rowsError is the error of a table with other rows than were read.
type rowsError struct{ table change.Table }

func (rowsError) Error() string         { return "rows are gone" }
func (e rowsError) Table() change.Table { return e.table }
func (rowsError) IsTableOnly() bool     { return true }

// TestRowsOfOneTable expects a table with other rows than were read to be parked like one
// that can't be locked, although the error has no SQLSTATE.
func TestRowsOfOneTable(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
		Events:   []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
	})
	first := r.batch()
	for range maxTableFailures {
		r.answer(rowsError{loan})
		first = r.batch()
	}
	wantOffsets(t, first, map[change.Partition][]int64{part0: {0}})
	r.answer(nil)
}

// TestSnapshotIsNotCompleteWhileATableWaits expects no end of a snapshot, in memory or in a
// batch, while a table is parked.
func TestSnapshotIsNotCompleteWhileATableWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) {
			c.LongestPause = time.Hour
			c.ExpectedSnapshots = func() []ExpectedSnapshot { return []ExpectedSnapshot{{Table: AllTables}} }
		})
		r.source.ends = map[change.Partition]int64{part0: 2, loanPart0: 1}
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
			Events:   []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
		})
		r.failUntilParked(r.batch(), loan)
		wantOffsets(t, r.batch(), map[change.Partition][]int64{part0: {0}})
		r.answer(nil)
		last := upsert(part0, 1, 2, 2)
		last.Snapshot = change.LastInSnapshot
		r.send(change.Delivery{Events: []change.Event{last}})
		again := r.batch()
		wantOffsets(t, again, map[change.Partition][]int64{loanPart0: {0}, part0: {1}})
		if again.Snapshots[AllTables].Complete != string(LastRecord) {
			t.Errorf("got %v", again.Snapshots)
		}
		if len(r.reporter.completed) > 0 {
			t.Error("the snapshot is said to be complete")
		}
		r.answer(nil)
		if got := <-r.reporter.completed; got.how != LastRecord {
			t.Errorf("got %+v", got)
		}
	})
}

// TestMoreThanFitsIsNotParked expects no parking beyond the memory limit.
func TestMoreThanFitsIsNotParked(t *testing.T) {
	r := start(t, func(c *Config) { c.BatchBytes = 1 })
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	first := r.batch()
	for range 2 * maxTableFailures {
		r.answer(stuckError{table, "0A000"})
		if r.batch() != first {
			t.Fatal("another batch came")
		}
	}
	r.answer(nil)
}

// TestLockedTablesWaitAtOnce has another session hold locks of several tables. Each table must
// be parked after one try, and only the first try waits for the full timeout.
func TestLockedTablesWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.LongestPause = time.Hour })
		hold := change.Table{Schema: "library", Name: "hold"}
		holdPart := change.Partition{Topic: "library.hold"}
		held := upsert(holdPart, 0, 1, 1)
		held.Source = hold
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{}), begin(holdPart, change.PartitionProgress{})},
			Events:   []change.Event{loanAt(loanPart0, 0), held, upsert(part0, 0, 1, 1)},
		})
		for _, try := range []struct {
			stuck change.Table
			want  time.Duration
		}{{loan, firstLockTimeout}, {hold, shortLockTimeout}} {
			if b := r.batch(); b.LockTimeout != try.want {
				t.Errorf("%s is waited for %s, want %s", try.stuck, b.LockTimeout, try.want)
			}
			r.answer(stuckError{try.stuck, "55P03"})
		}
		wantOffsets(t, r.batch(), map[change.Partition][]int64{part0: {0}})
		r.answer(nil)
		_ = r.stop()
	})
}
