package bench

import (
	"context"
	"time"

	"metadb/internal/eventgen"
)

// The least ratios to the raw COPY, on two cores.
const (
	snapshotGoal  = 0.5
	updatesGoal   = 0.35
	identicalGoal = 0.6
)

// The two generations of topics.
const firstPrefix, secondPrefix = "bench_1", "bench_2"

// history has the number of updates of each row of a table, and the number of records in its
// topics.
type history struct {
	updated []int
	records int
}

// tables measures one table of many columns. Events are written while no server reads them, so that
// their production is not measured.
func (b *bench) tables(ctx context.Context) error {
	h := &history{updated: make([]int, b.Rows)}
	before, err := b.yardstick(ctx)
	if err != nil {
		return err
	}
	for _, phase := range []func(context.Context, *history) (result, error){b.snapshot, b.updatesInOrder, b.updatesAtRandom, b.identical} {
		one, err := phase(ctx, h)
		if err != nil {
			return err
		}
		after, err := b.yardstick(ctx)
		if err != nil {
			return err
		}
		one.yardstick = between(before, after)
		before = after
		b.rate(one)
	}
	if err := b.verify(
		ctx,
		check{"current rows", "SELECT count(*) FROM inventory.instance", b.Rows},
		check{"versions", "SELECT count(*) FROM inventory.instance__", h.records},
		check{"confirmed rows", "SELECT count(DISTINCT __id) FROM inventory.zzz___instance___sync", b.Rows},
	); err != nil {
		return err
	}
	floor, err := b.floor(ctx)
	if err != nil {
		return err
	}
	after, err := b.yardstick(ctx)
	if err != nil {
		return err
	}
	floor.yardstick = between(before, after)
	b.rate(floor)
	return b.endsync(ctx)
}

// snapshot measures an initial snapshot.
func (b *bench) snapshot(ctx context.Context, h *history) (r result, err error) {
	if err := b.feed.snapshot(ctx, b.Rows, func(i int) []any { return b.shared.generator.row(i, 0) }, b.shared.generator.instance(firstPrefix)); err != nil {
		return r, err
	}
	h.records = b.Rows
	if r.use, err = b.used(ctx); err != nil {
		return r, err
	}
	if err := b.source(ctx, "bench", firstPrefix); err != nil {
		return r, err
	}
	r.name, r.goal = "snapshot", snapshotGoal
	return b.finish(ctx, r, span{firstPrefix, 0, h.records, h.records})
}

// updatesInOrder measures updates in the order of the keys, as one large statement at the source
// makes them.
func (b *bench) updatesInOrder(ctx context.Context, h *history) (result, error) {
	if err := b.endInitial(ctx, "bench"); err != nil {
		return result{}, err
	}
	return b.update(ctx, result{name: "updates, one statement", goal: updatesGoal}, h, func(i int) int { return i % b.Rows })
}

// updatesAtRandom measures updates of rows all over the table, each on a page of its own.
func (b *bench) updatesAtRandom(ctx context.Context, h *history) (result, error) {
	return b.update(ctx, result{name: "updates at random keys"}, h, func(i int) int { return scattered(i, b.Rows) })
}

// scattered returns the ith of a sequence of rows that visits every row once in each round, all
// over the table.
func scattered(i, rows int) int {
	// The step is a prime, which has no common divisor with a number of rows that is not a multiple
	// of it.
	const step = 7_919
	return i * step % rows
}

// update measures updates of the rows in the order of order.
func (b *bench) update(ctx context.Context, r result, h *history, order func(i int) int) (result, error) {
	err := b.feed.write(ctx, b.shared.generator.instance(firstPrefix), b.Updates, func(i int) eventgen.Change {
		b.feed.lsn += 8
		row := order(i)
		h.updated[row]++
		return eventgen.Change{Op: 'u', Row: b.shared.generator.row(row, h.updated[row]), Time: time.Now(), LSN: b.feed.lsn}
	})
	if err != nil {
		return r, err
	}
	if r.use, err = b.used(ctx); err != nil {
		return r, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return r, err
	}
	from := h.records
	h.records += b.Updates
	return b.finish(ctx, r, span{firstPrefix, from, h.records, b.Updates})
}

// identical measures a resynchronization in which nothing has changed.
func (b *bench) identical(ctx context.Context, h *history) (r result, err error) {
	row := func(i int) []any { return b.shared.generator.row(i, h.updated[i]) }
	if err := b.feed.snapshot(ctx, b.Rows, row, b.shared.generator.instance(secondPrefix)); err != nil {
		return r, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return r, err
	}
	err = b.metadb.Exec(ctx, `alter data source bench options (set topics '^`+secondPrefix+`\.', set consumer_group '`+secondPrefix+`')`)
	if err != nil {
		return r, err
	}
	if err := b.metadb.Stop(ctx); err != nil {
		return r, err
	}
	if _, err := b.metadb.Run(ctx, "sync", "-D", "data", "--source", "bench", "--force"); err != nil {
		return r, err
	}
	if r.use, err = b.used(ctx); err != nil {
		return r, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return r, err
	}
	r.name, r.goal = "identical rows in a resync", identicalGoal
	return b.finish(ctx, r, span{secondPrefix, 0, b.Rows, b.Rows})
}
