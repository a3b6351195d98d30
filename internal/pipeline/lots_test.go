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

// stuckError is what the applier says of a table that it can't change.
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

// offsets tells which records a batch has.
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

// strike lets a batch fail as often as it takes to park a table.
func (r *rig) strike(first *change.Batch, table change.Table) {
	r.t.Helper()
	for i := range strikesToPark {
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
			Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(loanPart0, change.Mark{}), begin(loanPart1, change.Mark{})},
			Events: []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1), loanAt(loanPart1, 0)},
		})
		r.strike(r.batch(), loan)
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
		// What had been fetched already waits too, and does not stop the others.
		r.send(change.Delivery{Events: []change.Event{loanAt(loanPart0, 1), upsert(part0, 1, 2, 2)}})
		wantOffsets(t, r.batch(), map[change.Partition][]int64{part0: {1}})
		r.answer(nil)

		again := r.batch()
		wantOffsets(t, again, map[change.Partition][]int64{loanPart0: {0, 1}, loanPart1: {0}})
		if again.LockTimeout != nextLockTimeout {
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

// lastPaused returns what is paused after all that was said of it.
func (r *rig) lastPaused() []change.Partition {
	r.t.Helper()
	paused := <-r.source.paused
	for len(r.source.paused) > 0 {
		paused = <-r.source.paused
	}
	return paused
}

// TestFaultsOfTheDatabaseParkNothing: they are nobody's in particular.
func TestFaultsOfTheDatabaseParkNothing(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	first := r.batch()
	for _, code := range []string{"53100", "57P01", "25006", "40001", "08006"} {
		for range strikesToPark {
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

// apartError is a full disk of one table.
type apartError struct{ stuckError }

func (apartError) Apart() bool { return true }

// TestDiskOfOneTable: it is full for the tables that were put there.
func TestDiskOfOneTable(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{
		Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(loanPart0, change.Mark{})},
		Events: []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
	})
	first := r.batch()
	for range strikesToPark {
		wantOffsets(t, first, map[change.Partition][]int64{loanPart0: {0}, part0: {0}})
		r.answer(apartError{stuckError{loan, "53100"}})
		first = r.batch()
	}
	wantOffsets(t, first, map[change.Partition][]int64{part0: {0}})
	r.answer(nil)
}

// rowsError is that of a table whose rows are not what was read.
type rowsError struct{ table change.Table }

func (rowsError) Error() string         { return "rows are gone" }
func (e rowsError) Table() change.Table { return e.table }
func (rowsError) Apart() bool           { return true }

// TestRowsOfOneTable: a table whose rows are not what was read waits like one
// that can't be locked, although the database has no code for it.
func TestRowsOfOneTable(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{
		Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(loanPart0, change.Mark{})},
		Events: []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
	})
	first := r.batch()
	for range strikesToPark {
		r.answer(rowsError{loan})
		first = r.batch()
	}
	wantOffsets(t, first, map[change.Partition][]int64{part0: {0}})
	r.answer(nil)
}

// TestSnapshotIsNotCompleteWhileATableWaits: neither in memory nor in a batch.
func TestSnapshotIsNotCompleteWhileATableWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) {
			c.LongestPause = time.Hour
			c.Awaited = func() []Awaited { return []Awaited{{Table: AllTables}} }
		})
		r.source.ends = map[change.Partition]int64{part0: 2, loanPart0: 1}
		r.send(change.Delivery{
			Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(loanPart0, change.Mark{})},
			Events: []change.Event{loanAt(loanPart0, 0), upsert(part0, 0, 1, 1)},
		})
		r.strike(r.batch(), loan)
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

// TestMoreThanFitsIsNotParked: memory is bounded.
func TestMoreThanFitsIsNotParked(t *testing.T) {
	r := start(t, func(c *Config) { c.BatchBytes = 1 })
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	first := r.batch()
	for range 2 * strikesToPark {
		r.answer(stuckError{table, "0A000"})
		if r.batch() != first {
			t.Fatal("another batch came")
		}
	}
	r.answer(nil)
}

// TestLockedTablesWaitAtOnce: somebody holds the locks of several tables. Each is parked after
// one try, and only the first of them is waited for.
func TestLockedTablesWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.LongestPause = time.Hour })
		hold := change.Table{Schema: "library", Name: "hold"}
		holdPart := change.Partition{Topic: "library.hold"}
		held := upsert(holdPart, 0, 1, 1)
		held.Source = hold
		r.send(change.Delivery{
			Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(loanPart0, change.Mark{}), begin(holdPart, change.Mark{})},
			Events: []change.Event{loanAt(loanPart0, 0), held, upsert(part0, 0, 1, 1)},
		})
		for _, try := range []struct {
			stuck change.Table
			want  time.Duration
		}{{loan, firstLockTimeout}, {hold, nextLockTimeout}} {
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
