package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

const (
	// latencyGoal bounds the latency of 99 of 100 events, in milliseconds.
	latencyGoal = 300
	// idleGoal bounds the cost of an idle stream, in % of one processor.
	idleGoal = 1
	// targetPollInterval is the interval of reads of the target, and so the resolution. Each reads a
	// table of one row, which costs PostgreSQL 1 to 2 % of a processor.
	targetPollInterval = 2 * time.Millisecond
)

// measureLatency measures the time from a change's time at the source until a query sees it in the target,
// in a steady stream of updates, and the cost of an idle stream.
//
// A row and its record's position are committed together: an event is visible when a query sees a
// position behind it.
func (b *benchSite) measureLatency(ctx context.Context) error {
	rows := max(b.Rows/6, 1)
	if err := b.feed.writeSnapshot(ctx, rows, func(i int) []any { return b.shared.generator.instanceRow(i, 0) }, b.shared.generator.instanceTable(firstPrefix)); err != nil {
		return err
	}
	if err := b.startSource(ctx, "bench", firstPrefix); err != nil {
		return err
	}
	if _, _, err := b.awaitPosition(ctx, firstPrefix, rows); err != nil {
		return err
	}
	before, err := b.readUse(ctx)
	if err != nil {
		return err
	}
	waits, err := b.measureSteady(ctx, rows)
	if err != nil {
		return err
	}
	now, err := b.readUse(ctx)
	if err != nil {
		return err
	}
	slices.Sort(waits)
	at := func(share float64) float64 {
		return float64(waits[int(share*float64(len(waits)-1))].Microseconds()) / 1000
	}
	what := fmt.Sprintf("latency at %d events/s", b.Rate)
	b.addFigure(goalFigure{name: what + ", p50", value: at(0.5), unit: "ms"})
	b.addFigure(goalFigure{name: what + ", p99", value: at(0.99), unit: "ms", goal: latencyGoal, atMost: true})
	b.addFigure(goalFigure{name: what + ", highest", value: at(1), unit: "ms"})
	b.addCost(fmt.Sprintf("%d events/s", b.Rate), now.usedSince(before), 0)
	if before, err = b.readUse(ctx); err != nil {
		return err
	}
	select {
	case <-time.After(b.Steady):
	case <-ctx.Done():
		return ctx.Err()
	}
	if now, err = b.readUse(ctx); err != nil {
		return err
	}
	b.addCost("idle", now.usedSince(before), idleGoal)
	return b.verifyAll(ctx, queryCheck{"versions", "SELECT count(*) FROM inventory.instance__", rows + len(waits)})
}

// addCost adds the processor time of the server and PostgreSQL, in % of one processor.
func (b *benchSite) addCost(what string, u resourceUse, goal float64) {
	b.addFigure(goalFigure{name: what + ", server", value: 100 * u.server.Seconds() / u.wall.Seconds(), unit: "% of a processor", goal: goal, atMost: true})
	b.addFigure(goalFigure{name: what + ", PostgreSQL", value: 100 * u.postgres.Seconds() / u.wall.Seconds(), unit: "% of a processor"})
}

// measureSteady writes updates at a steady rate, and returns their latencies.
func (b *benchSite) measureSteady(ctx context.Context, rows int) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	n := max(int(b.Steady.Seconds()*float64(b.Rate)), 1)
	// The channel has room for all times, so that the writer never waits.
	made := make(chan time.Time, n)
	written := make(chan error, 1)
	go func() { written <- b.writeSteadily(ctx, rows, made) }()
	waits, err := b.watchTarget(ctx, rows, n, made)
	if err != nil {
		cancel()
	}
	return waits, errors.Join(<-written, err)
}

// watchTarget reads the target until it has n events more than rows, and returns the time of each from its
// making until it was visible.
func (b *benchSite) watchTarget(ctx context.Context, rows, n int, made <-chan time.Time) ([]time.Duration, error) {
	waits := make([]time.Duration, 0, n)
	tick := time.NewTicker(targetPollInterval)
	defer tick.Stop()
	for len(waits) < n {
		next, err := b.appliedRecords(ctx, firstPrefix)
		if err != nil {
			return nil, err
		}
		for seen := time.Now(); len(waits) < next-rows; {
			waits = append(waits, seen.Sub(<-made))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d events are visible: %w", len(waits), n, ctx.Err())
		}
	}
	return waits, nil
}

// writeSteadily makes events at the steady rate, as many as the channel made has room for, and passes
// each to the broker at once.
func (b *benchSite) writeSteadily(ctx context.Context, rows int, made chan<- time.Time) error {
	producer, err := testbed.NewProducer(b.address, kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer producer.Close()
	encoder, err := eventgen.NewEncoder(b.shared.generator.instanceTable(firstPrefix))
	if err != nil {
		return err
	}
	failures := make(chan error, 1)
	failed := func(err error) {
		select {
		case failures <- err:
		default:
		}
	}
	began := time.Now()
	for i := range cap(made) {
		select {
		case <-time.After(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(b.Rate)))):
		case err := <-failures:
			return fmt.Errorf("write events to the broker: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
		b.feed.lsn += 8
		now := time.Now()
		record, err := encoder.Encode(eventgen.Change{Op: 'u', Row: b.shared.generator.instanceRow(scatteredRow(i, rows), 1+i/rows), Time: now, LSN: b.feed.lsn})
		if err != nil {
			return err
		}
		made <- now
		producer.Send(ctx, failed, record)
	}
	return producer.Flush(ctx)
}
