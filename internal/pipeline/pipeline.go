package pipeline

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"metadb/internal/change"
)

// Source delivers the stream.
type Source interface {
	// Fetch waits for the next delivery. After an error that is not the
	// context's it may be called again.
	Fetch(ctx context.Context) (change.Delivery, error)
	// Ack says that the spans are applied. It does not fail.
	Ack(ctx context.Context, spans []change.Span)
	// Ends returns the ends of all partitions of some topics that are being
	// read, those included that are too new to be read yet; nil is all topics. With
	// an error it returns those of the topics for which all of them could be had.
	Ends(ctx context.Context, topics []string) (map[change.Partition]int64, error)
	// Pause lets the given partitions wait and all others go on.
	Pause(parts []change.Partition)
}

// Router sets the target table of an event.
type Router interface {
	Route(e *change.Event)
}

// Applier applies a batch in one transaction, wholly or not at all. Each is asked for
// one thing at a time, several for parts of one batch that have no table in common.
type Applier interface {
	Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error)
}

// Reporter is told how the stream goes.
type Reporter interface {
	// Active says that the stream runs.
	Active()
	// Failed says why it does not go on at the moment: an error of Fetch or
	// of Apply, as it is. It is tried again.
	Failed(err error)
	// Applied tells what a batch did; last is the latest source time in it,
	// zero if it has none.
	Applied(outcome change.Outcome, last time.Time)
	// Lag tells how many records are waiting.
	Lag(records int64)
	// Gap says that records are missing, to the log too.
	Gap(gap change.Gap)
	// Missing says that events of a refused table have been counted and not stored,
	// to the log once for each partition.
	Missing(events change.Gap)
	// Skipped says that a table of the source, which would be target here, has no
	// primary key. It reports whether that is to be logged.
	Skipped(source, target change.Table) bool
	// Refused says that a table's events can't be applied, and why. It
	// reports whether that is news.
	Refused(refusal string) bool
	// SnapshotComplete says that a snapshot is complete and how that was seen.
	// Where a batch says so too, it has been
	// applied. An error has it said again later.
	SnapshotComplete(ctx context.Context, snapshot Awaited, how Completion) error
}

// Config is what a pipeline needs.
type Config struct {
	// Name of the data source.
	Name string

	Source Source
	Router Router
	// Appliers are one or more: several apply the tables of a batch side by side.
	// What can't be divided, and what is tried again, is the first one's.
	Appliers []Applier
	Reporter Reporter
	Logger   *slog.Logger

	// BatchEvents and BatchBytes bound a batch; a single larger event is a
	// batch of its own. Zero means the defaults.
	BatchEvents int
	BatchBytes  int
	// Years is of how many years a batch may have events in one table. Zero means the default.
	Years int
	// ShareEvents is how many events each applier should have at least, on average,
	// where a batch is divided. Zero means the default.
	ShareEvents int

	// Awaited returns the snapshots that are expected. It is asked again and
	// again; nil is never any. SnapshotDeadline is how long no
	// snapshot record may have come while the stream is active, 0 for ever.
	Awaited          func() []Awaited
	SnapshotDeadline time.Duration
	// SnapshotSettle is how long no row of a snapshot may have come before a mark of its
	// last one counts, 0 not at all.
	SnapshotSettle time.Duration

	// Pauses between tries after a failure; zero means the defaults.
	FirstPause, LongestPause time.Duration
}

// Defaults of Config.
const (
	DefaultBatchEvents = 15_000
	DefaultBatchBytes  = 12 << 20
	DefaultFirstPause  = 100 * time.Millisecond
	// DefaultSnapshotSettle is longer than a producer takes to go on after a partition has
	// got another leader.
	DefaultSnapshotSettle = 2 * time.Second
	// DefaultLongestPause is short enough for the status to be right again
	// within seconds after what failed has recovered, and the stream to go on.
	DefaultLongestPause = 4 * time.Second
)

// Run runs the pipeline until the context ends or the stream has to be built
// again from the stored positions (ErrRestart). The batch in hand is finished
// or rolled back before it returns.
func Run(ctx context.Context, config Config) error {
	p := newPipeline(config)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.fetch(ctx) })
	group.Go(func() error { return p.collect(ctx) })
	group.Go(func() error { return p.apply(ctx) })
	group.Go(func() error { return p.measure(ctx) })
	return group.Wait()
}

type pipeline struct {
	Config

	deliveries chan change.Delivery
	// wanted is how apply asks for a batch, which comes by batches: only
	// then is it known what the batch covers.
	wanted  chan struct{}
	batches chan *batch

	// What collect alone uses; holding says that partitions are paused.
	partitions partitions
	barrier    *barrier
	began      time.Time
	holding    bool
	poll       poll
	// held are events that the next batch begins with.
	held []change.Event
	// elsewhere are partitions that the end of a snapshot waits for and that
	// are not read here.
	elsewhere map[change.Partition]bool
	notes     map[note]bool
	// What apply alone uses.
	snapshot   snapshots
	shared     shared
	rejections quota
	lots       lots

	health   health
	progress progress
}

func newPipeline(config Config) *pipeline {
	p := &pipeline{
		Config:     config,
		deliveries: make(chan change.Delivery),
		wanted:     make(chan struct{}),
		batches:    make(chan *batch),
		notes:      make(map[note]bool),
		began:      time.Now(),
	}
	setDefault(&p.BatchEvents, DefaultBatchEvents)
	setDefault(&p.BatchBytes, DefaultBatchBytes)
	setDefault(&p.ShareEvents, DefaultShareEvents)
	setDefault(&p.Years, DefaultYears)
	setDefault(&p.FirstPause, DefaultFirstPause)
	setDefault(&p.LongestPause, DefaultLongestPause)
	p.partitions = newPartitions()
	p.barrier = newBarrier(p.awaitsEnd)
	p.barrier.skew = change.Micros(writeSkew.Microseconds())
	p.barrier.settle = change.Micros(p.SnapshotSettle.Microseconds())
	p.snapshot = newSnapshots(config.SnapshotDeadline)
	p.lots.changed = make(chan struct{}, 1)
	p.progress = newProgress()
	return p
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// fetch hands deliveries to collect.
func (p *pipeline) fetch(ctx context.Context) error {
	pauses := p.pauses()
	for {
		delivery, err := p.Source.Fetch(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			p.is(fetching, err)
			if err := pauses.wait(ctx); err != nil {
				return err
			}
			continue
		}
		pauses.reset()
		p.is(fetching, delivery.Stopped)
		select {
		case p.deliveries <- delivery:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
