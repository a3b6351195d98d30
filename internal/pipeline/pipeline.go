package pipeline

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"metadb/internal/backoff"
	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
	"metadb/internal/pipeline/ordering"
)

// Source delivers the stream.
type Source interface {
	// Fetch waits for the next delivery. After an error that is not the
	// context's it may be called again.
	Fetch(ctx context.Context) (change.Delivery, error)
	// Ack acknowledges applied spans. It does not fail.
	Ack(ctx context.Context, spans []change.Span)
	// Ends returns the end offsets of all partitions of some assigned lanes, including
	// partitions that are too new to be assigned yet; nil is all lanes. With an error it
	// returns those of the lanes for which all are known.
	Ends(ctx context.Context, lanes []change.Lane) (map[change.Partition]int64, error)
	// Pause pauses the given partitions and resumes all others.
	Pause(parts []change.Partition)
}

// Router sets the target table of an event.
type Router interface {
	Route(e *change.Event)
}

// Applier applies a batch in one transaction, wholly or not at all. An applier gets one
// batch at a time; several appliers get parts of one batch without a common table.
type Applier interface {
	Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error)
}

// Reporter gets the state of the stream.
type Reporter interface {
	// Active reports that the stream runs.
	Active()
	// Failed reports the error of Fetch or Apply that stops the stream at
	// present. It is retried.
	Failed(err error)
	// Applied reports the outcome of a batch; last is the latest source time in it,
	// zero without one.
	Applied(outcome change.Outcome, last time.Time)
	// Lag reports the number of waiting records.
	Lag(records int64)
	// Gap reports missing records, to the log too.
	Gap(gap change.Gap)
	// Missing reports events of a refused table that were counted and not stored, to
	// the log once for each partition.
	Missing(events change.Gap)
	// Skipped reports a table of the source without a primary key, and its target
	// table. It returns whether that must be logged.
	Skipped(source, target change.Table) bool
	// Refused reports a table with events that can't be applied, and the reason. It
	// returns whether that is new.
	Refused(refusal string) bool
	// SnapshotComplete reports a complete snapshot and the evidence. A batch with
	// that evidence has been applied. After an error it is called again later.
	SnapshotComplete(ctx context.Context, snapshot ExpectedSnapshot, how Completion) error
}

// Config has the parts and the limits of a pipeline.
type Config struct {
	// Name of the data source.
	Name string

	Source Source
	Router Router
	// Appliers are one or more: several apply the tables of a batch in parallel. The
	// first one applies batches that can't be divided, and retries.
	Appliers []Applier
	Reporter Reporter
	Logger   *slog.Logger

	// BatchEvents and BatchBytes bound a batch; a single larger event is a
	// batch of its own. Zero means the defaults.
	BatchEvents int
	BatchBytes  int
	// MaxYears bounds the years of a table's events in one batch. Zero means the default.
	MaxYears int
	// MinShareEvents is the least average number of events for each applier for which a
	// batch is divided. Zero means the default.
	MinShareEvents int

	// ExpectedSnapshots returns the expected snapshots. It is called for each batch; nil
	// means no snapshots. SnapshotDeadline is how long the stream may be active without a
	// snapshot record before the snapshot counts as complete; 0 is no limit.
	ExpectedSnapshots func() []ExpectedSnapshot
	SnapshotDeadline  time.Duration
	// SnapshotSettle is how long no row of a snapshot may be read before the mark of its
	// last one counts; 0 is no wait.
	SnapshotSettle time.Duration

	// Pauses between tries after a failure; zero means the defaults.
	FirstPause, LongestPause time.Duration
}

// Defaults of Config.
const (
	DefaultBatchEvents = 15_000
	DefaultBatchBytes  = 12 << 20
	DefaultFirstPause  = 100 * time.Millisecond
	// DefaultSnapshotSettle is longer than a producer takes to continue after a partition
	// has a new leader.
	DefaultSnapshotSettle = 2 * time.Second
	// DefaultLongestPause is short enough for the stream to continue, and the status to
	// be correct, within seconds after the cause of a failure is removed.
	DefaultLongestPause = 4 * time.Second
)

// Run runs the pipeline until the context ends or the stream must be rebuilt
// from the stored positions (ErrRestart). The current batch is finished or
// rolled back before it returns.
func Run(ctx context.Context, config Config) error {
	p := newPipeline(config)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.fetchDeliveries(ctx) })
	group.Go(func() error { return p.collectBatches(ctx) })
	group.Go(func() error { return p.applyBatches(ctx) })
	group.Go(func() error { return p.measureLag(ctx) })
	return group.Wait()
}

type pipeline struct {
	Config

	deliveries chan change.Delivery
	// batchRequests requests a batch for the apply stage, which is sent on batches:
	// its spans are determined only then.
	batchRequests chan struct{}
	batches       chan *batch.Batch

	// Fields of the collect stage; hasPaused says that partitions are paused.
	partitions partitionStates
	gate       *ordering.Gate
	began      time.Time
	hasPaused  bool
	// heldEvents are the first events of the next batch.
	heldEvents []change.Event
	// assignedElsewhere are partitions that the end of a snapshot waits for and that
	// other members of the consumer group read.
	assignedElsewhere map[change.Partition]bool
	loggedNotes       map[columnNote]bool
	// Fields of the apply stage.
	snapshots      snapshotWatch
	parallel       parallelState
	rejectionQuota logQuota
	parking        parking

	health streamHealth
	lag    lagTracker
}

func newPipeline(config Config) *pipeline {
	p := &pipeline{
		Config:        config,
		deliveries:    make(chan change.Delivery),
		batchRequests: make(chan struct{}),
		batches:       make(chan *batch.Batch),
		loggedNotes:   make(map[columnNote]bool),
		began:         time.Now(),
	}
	setDefault(&p.BatchEvents, DefaultBatchEvents)
	setDefault(&p.BatchBytes, DefaultBatchBytes)
	setDefault(&p.MinShareEvents, DefaultMinShareEvents)
	setDefault(&p.MaxYears, DefaultMaxYears)
	setDefault(&p.FirstPause, DefaultFirstPause)
	setDefault(&p.LongestPause, DefaultLongestPause)
	p.partitions = newPartitions()
	p.gate = ordering.New(ordering.Config{IsExpectedEnd: p.expectsSnapshotEnd, WriteSkew: ordering.DefaultWriteSkew, SettleTime: p.SnapshotSettle})
	p.snapshots = newSnapshotWatch(config.SnapshotDeadline)
	p.parking.changed = make(chan struct{}, 1)
	p.lag = newLagTracker()
	return p
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// fetchDeliveries fetches deliveries and hands them to the collect stage.
func (p *pipeline) fetchDeliveries(ctx context.Context) error {
	pauses := backoff.New(p.FirstPause, p.LongestPause)
	for {
		delivery, err := p.Source.Fetch(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			p.reportHealth(fetchStage, err)
			if err := pauses.Wait(ctx); err != nil {
				return err
			}
			continue
		}
		pauses.Reset()
		p.reportHealth(fetchStage, delivery.Stopped)
		select {
		case p.deliveries <- delivery:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
