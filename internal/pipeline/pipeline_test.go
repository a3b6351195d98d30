package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/ordering"
)

func TestBatchesGrowWhileOneIsApplied(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{Next: 5})}})
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 5, 1, 1)}})
	first := r.batch()
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 6, 2, 2)}})
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 8, 3, 3)}})
	// A third delivery is only fetched when the second has been collected.
	r.send(change.Delivery{})
	r.answer(nil)
	second := r.batch()
	r.answer(nil)
	if len(first.Events) != 1 || len(second.Events) != 2 {
		t.Fatalf("got %d and %d events, want 1 and 2", len(first.Events), len(second.Events))
	}
	seen := func(lsn uint64) change.RecentChange {
		return change.RecentChange{LSN: lsn, Key: change.KeyHash(&change.Event{Source: table}), Time: change.Micros(lsn), New: true}
	}
	want := change.Span{
		Partition: part0,
		From:      change.PartitionProgress{Next: 6, HighLSN: 1, HighTime: 1, TopLSN: 1, MaxNext: 6, Recent: []change.RecentChange{seen(1)}},
		To:        change.PartitionProgress{Next: 9, HighLSN: 3, HighTime: 3, TopLSN: 3, MaxNext: 9, Recent: []change.RecentChange{seen(1), seen(2), seen(3)}},
	}
	if !reflect.DeepEqual(second.Spans, []change.Span{want}) {
		t.Errorf("got %+v, want %+v", second.Spans, want)
	}
	if second.Events[0].Table != table {
		t.Error("events are not routed")
	}
}

func TestSameBatchIsTriedAgain(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	failure := errors.New("database is away")
	first := r.batch()
	r.answer(failure)
	again := r.batch()
	r.answer(nil)
	if first != again {
		t.Error("another batch came")
	}
	if got := <-r.reporter.failures; !errors.Is(got, failure) {
		t.Errorf("reported %v", got)
	}
}

type movedError struct{ error }

func (movedError) Fenced() bool { return true }

func TestMovedPositionsEndTheRun(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	r.batch()
	r.answer(movedError{errors.New("fenced")})
	if err := r.wait(); !errors.Is(err, ErrRestart) {
		t.Errorf("got %v, want ErrRestart", err)
	}
}

func TestBrokerAwayIsSaidAndOutlived(t *testing.T) {
	r := start(t, nil)
	failure := errors.New("connection refused")
	for range 3 {
		r.source.errors <- failure
		if got := <-r.reporter.failures; !errors.Is(got, failure) {
			t.Errorf("reported %v", got)
		}
	}
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	r.batch()
	r.answer(nil)
}

func TestStopDuringABatch(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	r.batch()
	if err := r.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(r.source.acked) != 0 {
		t.Error("a batch that was not applied is acknowledged")
	}
}

func TestWarningsOncePerTopic(t *testing.T) {
	r := start(t, nil)
	keyless := change.Event{NoKey: true, Source: table, Position: change.Position{Partition: part0}}
	noted := upsert(part0, 2, 1, 1)
	noted.Notes = []change.Note{{Column: "c", Text: "unknown type", Severe: false}}
	second := keyless
	second.Position.Offset = 1
	again := noted
	again.Position.Offset = 3
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{keyless, second, noted, again}})
	if got := r.batch(); len(got.Events) != 2 || got.Spans[0].To.Next != 4 {
		t.Errorf("got %+v", got)
	}
	r.answer(nil)
	_ = r.stop()
	noKey := "primary key not defined: library.patron; library.patron has no primary key: nothing of it is copied. Give it one at the source " +
		"(or REPLICA IDENTITY USING INDEX together with message.key.columns in the connector), or add it to table_stop_filter"
	for text, want := range map[string]int{noKey: 1, "unknown type": 1} {
		if got := strings.Count(r.log.String(), text); got != want {
			t.Errorf("%q is %d times in the log", text, got)
		}
	}
}

func TestGapIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		gap := &change.Gap{Partition: part0, Missing: 5, Reason: "retention"}
		r.send(change.Delivery{Assigned: []change.Assignment{{Partition: part0, Stored: change.PartitionProgress{Next: 5}, From: 10, Gap: gap}}})
		if got := <-r.reporter.gaps; !reflect.DeepEqual(got, *gap) {
			t.Errorf("got %+v", got)
		}
		if span := r.batch().Spans[0]; span.From.Next != 5 || span.To.Next != 10 {
			t.Errorf("the fence must be the stored mark: got %+v", span)
		}
		r.answer(nil)
	})
}

// TestIdleStream expects records without a change not to cause a transaction each.
func TestIdleStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}})
		began := time.Now()
		for offset := range int64(10) {
			r.send(change.Delivery{Events: []change.Event{{Position: change.Position{Partition: part0, Offset: offset}}}})
		}
		b := r.batch()
		if len(b.Events) != 0 || len(b.Spans) != 1 || b.Spans[0].To.Next != 10 {
			t.Errorf("got %+v", b)
		}
		if waited := time.Since(began); waited != idleFlushInterval {
			t.Errorf("the positions were stored after %s", waited)
		}
		r.answer(nil)
	})
}

// TestPartitionBeginsAgain expects events of a partition that were collected before it is
// assigned again not to be applied: they are delivered again.
func TestPartitionBeginsAgain(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})},
		Events:   []change.Event{upsert(part0, 0, 1, 1)},
	})
	r.batch()
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 1, 2, 2), upsert(part1, 0, 1, 1)}})
	r.send(change.Delivery{Revoked: []change.Partition{part1}, Assigned: []change.Assignment{begin(part0, change.PartitionProgress{Next: 1})}})
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 1, 2, 2)}})
	r.send(change.Delivery{})
	r.answer(nil)
	b := r.batch()
	r.answer(nil)
	if len(b.Events) != 1 || len(b.Spans) != 1 || b.Spans[0].From.Next != 1 || b.Spans[0].To.Next != 2 {
		t.Errorf("got %d events, spans %+v", len(b.Events), b.Spans)
	}
}

// TestTruncateWaits expects a truncate to wait for the other partitions of its topic, even
// if the broker does not return their ends at once.
func TestTruncateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.source.noEnds, r.source.ends = errors.New("broker is away"), nil
		truncate := upsert(part0, 0, 5, 5)
		truncate.Op = change.Truncate
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})},
			Events:   []change.Event{truncate},
		})
		synctest.Wait()
		r.source.mu.Lock()
		r.source.noEnds, r.source.ends = nil, map[change.Partition]int64{part0: 1, part1: 1}
		r.source.mu.Unlock()
		<-time.After(2 * endsRetryInterval)
		select {
		case b := <-r.applier.batches:
			t.Fatalf("it did not wait: %+v", b)
		default:
		}
		r.send(change.Delivery{Events: []change.Event{upsert(part1, 0, 4, 4)}})
		b := r.batch()
		r.answer(nil)
		if len(b.Events) != 2 || b.Events[0].Op != change.Upsert || b.Events[1].Op != change.Truncate {
			t.Errorf("got %+v", b.Events)
		}
	})
}

// TestTruncateIsNotOvertaken expects events after a truncate to be applied after it, although
// they are read first.
func TestTruncateIsNotOvertaken(t *testing.T) {
	r := start(t, nil)
	r.source.ends = map[change.Partition]int64{part0: 1, part1: 2}
	r.send(change.Delivery{
		Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})},
		Events:   []change.Event{upsert(part1, 0, 4, 4), upsert(part1, 1, 6, 6)},
	})
	truncate := upsert(part0, 0, 5, 5)
	truncate.Op = change.Truncate
	r.send(change.Delivery{Events: []change.Event{truncate}})
	var lsns []uint64
	for len(lsns) < 3 {
		for _, e := range r.batch().Events {
			lsns = append(lsns, e.LSN)
			if e.Suspect || e.Overtaken {
				t.Errorf("lsn %d: suspect is %t, overtaken %t", e.LSN, e.Suspect, e.Overtaken)
			}
		}
		r.answer(nil)
	}
	if !slices.Equal(lsns, []uint64{4, 5, 6}) {
		t.Errorf("applied in the order %v", lsns)
	}
}

// TestPartitionFarAheadIsPaused expects a partition that is far ahead of the others to be
// paused until they are read.
func TestPartitionFarAheadIsPaused(t *testing.T) {
	r := start(t, nil)
	r.source.ends = map[change.Partition]int64{part0: 1, part1: 1}
	far := upsert(part1, 0, 6, 6)
	far.Row = make(change.Row, ordering.MaxQueueBytes+1)
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})}, Events: []change.Event{far}})
	if paused := <-r.source.paused; !slices.Equal(paused, []change.Partition{part1}) {
		t.Errorf("paused %v", paused)
	}
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 0, 5, 5)}})
	if paused := <-r.source.paused; len(paused) > 0 {
		t.Errorf("still paused: %v", paused)
	}
	if b := r.batch(); len(b.Events) != 2 || b.Events[0].LSN != 5 {
		t.Errorf("got %+v", b.Events)
	}
	r.answer(nil)
}

// TestTruncateGoesOnWithoutSilentPartition expects a truncate not to wait forever for an end
// offset without a record before it.
func TestTruncateGoesOnWithoutSilentPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.source.ends = map[change.Partition]int64{part0: 1, part1: 7}
		truncate := upsert(part0, 0, 5, 5)
		truncate.Op = change.Truncate
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(part1, change.PartitionProgress{})},
			Events:   []change.Event{truncate},
		})
		for range 3 {
			<-time.After(3 * time.Second) // as long as an empty poll takes
			select {
			case b := <-r.applier.batches:
				t.Fatalf("too early: %+v", b)
			default:
			}
			r.send(change.Delivery{})
		}
		if b := r.batch(); len(b.Events) != 1 || b.Events[0].Op != change.Truncate {
			t.Errorf("got %+v", b.Events)
		}
		r.answer(nil)
		_ = r.stop()
		if want := "library.patron/1 has no record before its end, 7"; !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, r.log)
		}
	})
}

// TestEachSideClearsItsOwnFailure expects a failure of the database to be reported until the
// database works, although fetching succeeds.
func TestEachSideClearsItsOwnFailure(t *testing.T) {
	r := start(t, nil)
	away, refused := errors.New("database is away"), errors.New("connection refused")
	r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	r.batch()
	r.answer(away)
	for !errors.Is(<-r.reporter.failures, away) { //nolint:revive // it reads until then
	}
	r.batch()
	r.send(change.Delivery{}) // fetching is well
	for range 2 {
		if got := <-r.reporter.failures; !errors.Is(got, away) {
			t.Errorf("got %v", got)
		}
		r.source.errors <- refused
	}
	select { // from before the failure
	case <-r.reporter.active:
	default:
	}
	r.answer(nil)
	for !errors.Is(<-r.reporter.failures, refused) { //nolint:revive // it reads until then
	}
	r.send(change.Delivery{})
	<-r.reporter.active
	_ = r.stop()
	for text, want := range map[string]int{away.Error(): 1, "the stream goes on": 2} {
		if got := strings.Count(r.log.String(), text); got != want {
			t.Errorf("%q is %d times in the log: %s", text, got, r.log)
		}
	}
}

func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.source.ends = map[change.Partition]int64{part0: 10, part1: 4}
		r.send(change.Delivery{Assigned: []change.Assignment{begin(part0, change.PartitionProgress{Next: 3}), begin(part1, change.PartitionProgress{Next: 4})}})
		if lag := <-r.reporter.lags; lag != 7 {
			t.Errorf("before any batch: %d", lag)
		}
		r.send(change.Delivery{Events: []change.Event{upsert(part0, 3, 1, 1), upsert(part0, 4, 2, 2)}})
		r.batch()
		r.answer(nil)
		if lag := <-r.reporter.lags; lag != 5 {
			t.Errorf("after a batch: %d", lag)
		}
	})
}

// TestLagOfAFailure expects the lag to be reported with a failure, not only after the next
// answer of the broker.
func TestLagOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(c *Config) { c.LongestPause = time.Hour })
		r.source.ends = map[change.Partition]int64{}
		last := func() int64 {
			synctest.Wait()
			lag := int64(-1)
			for len(r.reporter.lags) > 0 {
				lag = <-r.reporter.lags
			}
			return lag
		}
		r.send(change.Delivery{
			Assigned: []change.Assignment{begin(part0, change.PartitionProgress{}), begin(loanPart0, change.PartitionProgress{})},
			Events:   []change.Event{loanAt(loanPart0, 0), loanAt(loanPart0, 1), upsert(part0, 0, 1, 1)},
		})
		r.batch()
		r.answer(stuckError{loan, "42P16"})
		if lag := last(); lag != 3 {
			t.Errorf("with the first failure: %d", lag)
		}
		for range maxTableFailures - 1 {
			r.batch()
			r.answer(stuckError{loan, "42P16"})
		}
		wantOffsets(t, r.batch(), map[change.Partition][]int64{part0: {0}})
		r.answer(nil)
		if lag := last(); lag != 2 {
			t.Errorf("while the table waits: %d", lag)
		}
		wantOffsets(t, r.batch(), map[change.Partition][]int64{loanPart0: {0, 1}})
		r.answer(nil)
		if lag := last(); lag != 0 {
			t.Errorf("when all is applied: %d", lag)
		}
	})
}

func TestManyRejectionsDoNotFillTheLog(t *testing.T) {
	log := &strings.Builder{}
	p := newPipeline(Config{Name: "sensor", Logger: slog.New(slog.NewTextHandler(log, nil))})
	synctest.Test(t, func(t *testing.T) {
		for range 1000 {
			p.logRejected(change.Outcome{Rejected: 100, Rejections: []change.Rejection{{Reason: "bad"}}})
		}
		if lines := strings.Count(log.String(), "\n"); lines > 2*rejectionsPerMinute {
			t.Errorf("%d lines", lines)
		}
		log.Reset()
		<-time.After(time.Minute)
		p.logRejected(change.Outcome{Rejected: 1, Rejections: []change.Rejection{{Reason: "bad"}}})
		if !strings.Contains(log.String(), "98099 more events") {
			t.Errorf("the log does not say how many were not named: %s", log)
		}
	})
}
