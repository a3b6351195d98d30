package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"metadb/internal/change"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	part0 = change.Partition{Topic: "library.patron", Number: 0}
	part1 = change.Partition{Topic: "library.patron", Number: 1}
	table = change.Table{Schema: "library", Name: "patron"}
)

// fakeSource delivers what the test sends.
type fakeSource struct {
	deliveries chan change.Delivery
	errors     chan error
	mu         sync.Mutex
	ends       map[change.Partition]int64
	acked      []change.Span
	// noEnds makes Ends fail.
	noEnds error
	paused chan []change.Partition
}

func (s *fakeSource) Fetch(ctx context.Context) (change.Delivery, error) {
	select {
	case d := <-s.deliveries:
		return d, nil
	case err := <-s.errors:
		return change.Delivery{}, err
	case <-ctx.Done():
		return change.Delivery{}, ctx.Err()
	}
}

func (s *fakeSource) Ack(_ context.Context, spans []change.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked = append(s.acked, spans...)
}

func (s *fakeSource) Ends(context.Context) (map[change.Partition]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.ends), s.noEnds
}

func (s *fakeSource) Pause(parts []change.Partition) { s.paused <- parts }

type fakeRouter struct{}

func (fakeRouter) Route(e *change.Event) { e.Table = e.Source }

// fakeApplier hands each batch to the test and answers what the test says.
type fakeApplier struct {
	batches chan *change.Batch
	answers chan error
}

func (a *fakeApplier) Apply(ctx context.Context, b *change.Batch) (change.Outcome, error) {
	select {
	case a.batches <- b:
	case <-ctx.Done():
		return change.Outcome{}, ctx.Err()
	}
	select {
	case err := <-a.answers:
		return change.Outcome{Applied: len(b.Events)}, err
	case <-ctx.Done():
		return change.Outcome{}, ctx.Err()
	}
}

// completion is a snapshot that was said to be complete.
type completion struct {
	table change.Table
	how   Completion
}

type fakeReporter struct {
	failures  chan error
	lags      chan int64
	active    chan struct{}
	gaps      chan change.Gap
	skipped   map[string]bool
	refused   []string
	completed chan completion
}

func (r *fakeReporter) Active() {
	select {
	case r.active <- struct{}{}:
	default:
	}
}
func (r *fakeReporter) Failed(err error)                  { r.failures <- err }
func (r *fakeReporter) Applied(change.Outcome, time.Time) {}
func (r *fakeReporter) Lag(records int64)                 { r.lags <- records }
func (r *fakeReporter) Gap(gap change.Gap)                { r.gaps <- gap }
func (r *fakeReporter) SnapshotComplete(_ context.Context, snapshot Awaited, how Completion) error {
	r.completed <- completion{snapshot.Table, how}
	return nil
}

func (r *fakeReporter) Refused(refusal string) bool {
	news := !slices.Contains(r.refused, refusal)
	r.refused = append(r.refused, refusal)
	return news
}

func (r *fakeReporter) Skipped(topic string) bool {
	news := !r.skipped[topic]
	r.skipped[topic] = true
	return news
}

// rig is a pipeline that runs with fakes around it.
type rig struct {
	t        *testing.T
	source   *fakeSource
	applier  *fakeApplier
	reporter *fakeReporter
	log      *strings.Builder
	// wait returns how the run ended, stop ends it.
	wait, stop func() error
}

func start(t *testing.T, change0 func(*Config)) *rig {
	t.Helper()
	r := &rig{
		t:        t,
		source:   &fakeSource{deliveries: make(chan change.Delivery), errors: make(chan error), ends: map[change.Partition]int64{}, paused: make(chan []change.Partition, 100)},
		applier:  &fakeApplier{batches: make(chan *change.Batch), answers: make(chan error)},
		reporter: &fakeReporter{failures: make(chan error, 100), lags: make(chan int64, 100), active: make(chan struct{}, 1), gaps: make(chan change.Gap, 10), skipped: map[string]bool{}, completed: make(chan completion, 1)},
		log:      &strings.Builder{},
	}
	config := Config{
		Name: "sensor", Source: r.source, Router: fakeRouter{}, Applier: r.applier, Reporter: r.reporter,
		Logger: slog.New(slog.NewTextHandler(r.log, nil)), FirstPause: time.Millisecond, LongestPause: 4 * time.Millisecond,
	}
	if change0 != nil {
		change0(&config)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, config) }()
	r.wait = sync.OnceValue(func() error { return <-done })
	r.stop = func() error { cancel(); return r.wait() }
	t.Cleanup(func() { _ = r.stop() })
	return r
}

func (r *rig) send(d change.Delivery) {
	r.t.Helper()
	select {
	case r.source.deliveries <- d:
	case <-time.After(10 * time.Second):
		r.t.Fatal("the pipeline does not fetch")
	}
}

func (r *rig) batch() *change.Batch {
	r.t.Helper()
	select {
	case b := <-r.applier.batches:
		return b
	case <-time.After(10 * time.Second):
		r.t.Fatal("no batch comes")
		return nil
	}
}

func (r *rig) answer(err error) { r.applier.answers <- err }

func begin(part change.Partition, mark change.Mark) change.Beginning {
	return change.Beginning{Partition: part, Stored: mark, From: mark.Next}
}

func upsert(part change.Partition, offset int64, lsn uint64, at change.Micros) change.Event {
	return change.Event{
		Op: change.Upsert, Source: table, LSN: lsn, Time: at,
		Position: change.Position{Partition: part, Offset: offset},
	}
}

func TestBatchesGrowWhileOneIsApplied(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{Next: 5})}})
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
	want := change.Span{
		Partition: part0,
		From:      change.Mark{Next: 6, HighLSN: 1, HighTime: 1, Reached: 6}, To: change.Mark{Next: 9, HighLSN: 3, HighTime: 3, Reached: 9},
	}
	if !slices.Equal(second.Spans, []change.Span{want}) {
		t.Errorf("got %+v, want %+v", second.Spans, want)
	}
	if second.Events[0].Table != table {
		t.Error("events are not routed")
	}
}

func TestSameBatchIsTriedAgain(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
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
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
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
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	r.batch()
	r.answer(nil)
}

func TestStopDuringABatch(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
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
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{keyless, second, noted, again}})
	if got := r.batch(); len(got.Events) != 2 || got.Spans[0].To.Next != 4 {
		t.Errorf("got %+v", got)
	}
	r.answer(nil)
	_ = r.stop()
	for text, want := range map[string]int{"primary key not defined: library.patron": 1, "unknown type": 1} {
		if got := strings.Count(r.log.String(), text); got != want {
			t.Errorf("%q is %d times in the log", text, got)
		}
	}
}

func TestGapIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		gap := &change.Gap{Partition: part0, Missing: 5, Reason: "retention"}
		r.send(change.Delivery{Begun: []change.Beginning{{Partition: part0, Stored: change.Mark{Next: 5}, From: 10, Gap: gap}}})
		if got := <-r.reporter.gaps; got != *gap {
			t.Errorf("got %+v", got)
		}
		if span := r.batch().Spans[0]; span.From.Next != 5 || span.To.Next != 10 {
			t.Errorf("the fence must be the stored mark: got %+v", span)
		}
		r.answer(nil)
	})
}

// Records that change nothing make no transaction each.
func TestIdleStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}})
		began := time.Now()
		for offset := range int64(10) {
			r.send(change.Delivery{Events: []change.Event{{Position: change.Position{Partition: part0, Offset: offset}}}})
		}
		b := r.batch()
		if len(b.Events) != 0 || len(b.Spans) != 1 || b.Spans[0].To.Next != 10 {
			t.Errorf("got %+v", b)
		}
		if waited := time.Since(began); waited != idleInterval {
			t.Errorf("the positions were stored after %s", waited)
		}
		r.answer(nil)
	})
}

// A partition that begins again is delivered again: what was collected of it
// and has no span must not be applied.
func TestPartitionBeginsAgain(t *testing.T) {
	r := start(t, nil)
	r.send(change.Delivery{
		Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(part1, change.Mark{})},
		Events: []change.Event{upsert(part0, 0, 1, 1)},
	})
	r.batch()
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 1, 2, 2), upsert(part1, 0, 1, 1)}})
	r.send(change.Delivery{Ended: []change.Partition{part1}, Begun: []change.Beginning{begin(part0, change.Mark{Next: 1})}})
	r.send(change.Delivery{Events: []change.Event{upsert(part0, 1, 2, 2)}})
	r.send(change.Delivery{})
	r.answer(nil)
	b := r.batch()
	r.answer(nil)
	if len(b.Events) != 1 || len(b.Spans) != 1 || b.Spans[0].From.Next != 1 || b.Spans[0].To.Next != 2 {
		t.Errorf("got %d events, spans %+v", len(b.Events), b.Spans)
	}
}

// A truncate waits for the other partitions of its topic, also where the broker
// does not say at once how far they reach.
func TestTruncateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.source.noEnds = errors.New("broker is away")
		truncate := upsert(part0, 0, 5, 5)
		truncate.Op = change.Truncate
		r.send(change.Delivery{
			Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(part1, change.Mark{})},
			Events: []change.Event{truncate},
		})
		if held := <-r.source.paused; !slices.Equal(held, []change.Partition{part0}) {
			t.Errorf("paused %v", held)
		}
		r.source.mu.Lock()
		r.source.noEnds, r.source.ends = nil, map[change.Partition]int64{part0: 1, part1: 1}
		r.source.mu.Unlock()
		<-r.source.paused // asked again
		r.send(change.Delivery{Events: []change.Event{upsert(part1, 0, 4, 4)}})
		if held := <-r.source.paused; len(held) > 0 {
			t.Errorf("still paused: %v", held)
		}
		b := r.batch()
		r.answer(nil)
		if len(b.Events) != 2 || b.Events[0].Op != change.Upsert || b.Events[1].Op != change.Truncate {
			t.Errorf("got %+v", b.Events)
		}
	})
}

// A truncate does not wait for ever for an end that no record leads to.
func TestTruncateGoesOnWithoutSilentPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.source.ends = map[change.Partition]int64{part0: 1, part1: 7}
		truncate := upsert(part0, 0, 5, 5)
		truncate.Op = change.Truncate
		r.send(change.Delivery{
			Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(part1, change.Mark{})},
			Events: []change.Event{truncate},
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

// A failure of the database is said until the database works, however well
// fetching goes.
func TestEachSideClearsItsOwnFailure(t *testing.T) {
	r := start(t, nil)
	away, refused := errors.New("database is away"), errors.New("connection refused")
	r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{upsert(part0, 0, 1, 1)}})
	r.batch()
	r.answer(away)
	for !errors.Is(<-r.reporter.failures, away) {
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
	for !errors.Is(<-r.reporter.failures, refused) {
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
		r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{Next: 3}), begin(part1, change.Mark{Next: 4})}})
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

func TestManyRejectionsDoNotFillTheLog(t *testing.T) {
	log := &strings.Builder{}
	p := newPipeline(Config{Name: "sensor", Logger: slog.New(slog.NewTextHandler(log, nil))})
	synctest.Test(t, func(t *testing.T) {
		for range 1000 {
			p.tellRejected(change.Outcome{Rejected: 100, Rejections: []change.Rejection{{Reason: "bad"}}})
		}
		if lines := strings.Count(log.String(), "\n"); lines > 2*rejectionsPerMinute {
			t.Errorf("%d lines", lines)
		}
		log.Reset()
		<-time.After(time.Minute)
		p.tellRejected(change.Outcome{Rejected: 1, Rejections: []change.Rejection{{Reason: "bad"}}})
		if !strings.Contains(log.String(), "98099 more events") {
			t.Errorf("the log does not say how many were not named: %s", log)
		}
	})
}
