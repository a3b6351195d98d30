package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
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
	ends := make(map[change.Partition]int64)
	for part, end := range s.ends {
		ends[part] = end
	}
	return ends, nil
}

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

type fakeReporter struct {
	failures  chan error
	gaps      chan change.Gap
	skipped   map[string]bool
	completed chan Completion
}

func (r *fakeReporter) Active()                           {}
func (r *fakeReporter) Failed(err error)                  { r.failures <- err }
func (r *fakeReporter) Applied(change.Outcome, time.Time) {}
func (r *fakeReporter) Lag(int64)                         {}
func (r *fakeReporter) Gap(gap change.Gap)                { r.gaps <- gap }
func (r *fakeReporter) SnapshotComplete(_ context.Context, how Completion) error {
	r.completed <- how
	return nil
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
		source:   &fakeSource{deliveries: make(chan change.Delivery), errors: make(chan error), ends: map[change.Partition]int64{}},
		applier:  &fakeApplier{batches: make(chan *change.Batch), answers: make(chan error)},
		reporter: &fakeReporter{failures: make(chan error, 10), gaps: make(chan change.Gap, 10), skipped: map[string]bool{}, completed: make(chan Completion, 1)},
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
		From:      change.Mark{Next: 6, HighLSN: 1, HighTime: 1}, To: change.Mark{Next: 9, HighLSN: 3, HighTime: 3},
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
}
