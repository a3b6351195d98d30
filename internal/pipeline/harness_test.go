package pipeline

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"metadb/internal/change"
	"metadb/internal/testkit/pace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	part0 = change.Partition{Topic: "library.patron", Number: 0}
	part1 = change.Partition{Topic: "library.patron", Number: 1}
	table = change.Table{Schema: "library", Name: "patron"}
)

// fakeSource delivers the events that the test sends.
type fakeSource struct {
	deliveries chan change.Delivery
	errors     chan error
	mu         sync.Mutex
	ends       map[change.Partition]int64
	acked      []change.Span
	// begun are the partitions that it reads.
	begun []change.Partition
	// noEnds is the error of Ends, asked counts its calls.
	noEnds error
	asked  int
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

func (s *fakeSource) Ends(context.Context, []change.Lane) (map[change.Partition]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	ends := maps.Clone(s.ends)
	for _, part := range s.begun {
		if _, known := ends[part]; !known && s.noEnds == nil {
			ends[part] = 0
		}
	}
	return ends, s.noEnds
}

func (s *fakeSource) Pause(parts []change.Partition) { s.paused <- parts }

type fakeRouter struct{}

func (fakeRouter) Route(e *change.Event) { e.Table = e.Source }

// fakeApplier hands each batch to the test and returns the test's answer.
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

// completion is a snapshot that was reported complete.
type completion struct {
	table change.Table
	how   Completion
}

type fakeReporter struct {
	failures  chan error
	lags      chan int64
	active    chan struct{}
	gaps      chan change.Gap
	skipped   map[change.Table]bool
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

// Lag implements Reporter. Values that the test does not read are dropped.
func (r *fakeReporter) Lag(records int64) {
	select {
	case r.lags <- records:
	default:
	}
}

func (r *fakeReporter) Gap(gap change.Gap)     { r.gaps <- gap }
func (r *fakeReporter) Missing(gap change.Gap) { r.gaps <- gap }
func (r *fakeReporter) SnapshotComplete(_ context.Context, snapshot ExpectedSnapshot, how Completion) error {
	r.completed <- completion{snapshot.Table, how}
	return nil
}

func (r *fakeReporter) Refused(refusal string) bool {
	news := !slices.Contains(r.refused, refusal)
	r.refused = append(r.refused, refusal)
	return news
}

func (r *fakeReporter) Skipped(source, _ change.Table) bool {
	news := !r.skipped[source]
	r.skipped[source] = true
	return news
}

// harness is a pipeline that runs with fakes around it.
type harness struct {
	t        *testing.T
	source   *fakeSource
	applier  *fakeApplier
	reporter *fakeReporter
	log      *strings.Builder
	// wait returns the error of the run, stop ends it.
	wait, stop func() error
}

func start(t *testing.T, change0 func(*Config)) *harness {
	t.Helper()
	r := &harness{
		t:        t,
		source:   &fakeSource{deliveries: make(chan change.Delivery), errors: make(chan error), ends: map[change.Partition]int64{}, paused: make(chan []change.Partition, 100)},
		applier:  &fakeApplier{batches: make(chan *change.Batch), answers: make(chan error)},
		reporter: &fakeReporter{failures: make(chan error, 100), lags: make(chan int64, 100), active: make(chan struct{}, 1), gaps: make(chan change.Gap, 10), skipped: map[change.Table]bool{}, completed: make(chan completion, 1)},
		log:      &strings.Builder{},
	}
	config := Config{
		Name: "sensor", Source: r.source, Router: fakeRouter{}, Appliers: []Applier{r.applier}, Reporter: r.reporter,
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

// harnessTimeout bounds a wait for the pipeline. In a bubble of synctest, which begins in the year
// 2000, it is a promise of the pipeline; elsewhere it ends a test that hangs.
func harnessTimeout() time.Duration {
	if time.Now().Year() == 2000 {
		return 10 * time.Second
	}
	return pace.Hang
}

func (r *harness) send(d change.Delivery) {
	r.t.Helper()
	r.source.mu.Lock()
	for _, begun := range d.Assigned {
		r.source.begun = append(r.source.begun, begun.Partition)
	}
	r.source.mu.Unlock()
	select {
	case r.source.deliveries <- d:
	case <-time.After(harnessTimeout()):
		r.t.Fatal("the pipeline does not fetch")
	}
}

func (r *harness) batch() *change.Batch {
	r.t.Helper()
	return r.batchOf(r.applier)
}

// batchOf waits for a batch that an applier is given.
func (r *harness) batchOf(a *fakeApplier) *change.Batch {
	r.t.Helper()
	select {
	case b := <-a.batches:
		return b
	case <-time.After(harnessTimeout()):
		r.t.Fatal("no batch comes")
		return nil
	}
}

func (r *harness) answer(err error) { r.applier.answers <- err }

func begin(part change.Partition, mark change.PartitionProgress) change.Assignment {
	return change.Assignment{Partition: part, Stored: mark, From: mark.Next}
}

func upsert(part change.Partition, offset int64, lsn uint64, at change.Micros) change.Event {
	return change.Event{
		Op: change.Upsert, Source: table, LSN: lsn, Time: at,
		Position: change.Position{Partition: part, Offset: offset},
	}
}
