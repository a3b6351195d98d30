package bench

import (
	"context"
	"time"

	"metadb/internal/testkit/eventgen"
)

// The least ratios to the raw COPY, on two cores.
const (
	snapshotGoal  = 0.5
	updatesGoal   = 0.35
	identicalGoal = 0.6
)

// The two generations of topics.
const firstPrefix, secondPrefix = "bench_1", "bench_2"

// updateHistory has the number of updates of each row of a table, and the number of records in its
// topics.
type updateHistory struct {
	updated []int
	records int
}

// measureTables measures one table of many columns. Events are written while no server reads them, so that
// their production is not measured.
func (b *benchSite) measureTables(ctx context.Context) error {
	h := &updateHistory{updated: make([]int, b.Rows)}
	before, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	for _, phase := range []func(context.Context, *updateHistory) (partResult, error){b.measureSnapshot, b.measureInOrder, b.measureAtRandom, b.measureIdentical} {
		one, err := phase(ctx, h)
		if err != nil {
			return err
		}
		after, err := b.measureYardstick(ctx)
		if err != nil {
			return err
		}
		one.yardstick = rateBetween(before, after)
		before = after
		b.addResult(one)
	}
	if err := b.verifyAll(
		ctx,
		queryCheck{"current rows", "SELECT count(*) FROM inventory.instance", b.Rows},
		queryCheck{"versions", "SELECT count(*) FROM inventory.instance__", h.records},
		queryCheck{"confirmed rows", "SELECT count(DISTINCT __id) FROM inventory.zzz___instance___sync", b.Rows},
	); err != nil {
		return err
	}
	floor, err := b.measureFloor(ctx)
	if err != nil {
		return err
	}
	after, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	floor.yardstick = rateBetween(before, after)
	b.addResult(floor)
	return b.measureEndsync(ctx)
}

// measureSnapshot measures an initial snapshot.
func (b *benchSite) measureSnapshot(ctx context.Context, h *updateHistory) (r partResult, err error) {
	if err := b.feed.writeSnapshot(ctx, b.Rows, func(i int) []any { return b.shared.generator.instanceRow(i, 0) }, b.shared.generator.instanceTable(firstPrefix)); err != nil {
		return r, err
	}
	h.records = b.Rows
	if r.use, err = b.readUse(ctx); err != nil {
		return r, err
	}
	if err := b.startSource(ctx, "bench", firstPrefix); err != nil {
		return r, err
	}
	r.name, r.goal = "snapshot", snapshotGoal
	return b.finishResult(ctx, r, eventSpan{firstPrefix, 0, h.records, h.records})
}

// measureInOrder measures updates in the order of the keys, as one large statement at the source
// makes them.
func (b *benchSite) measureInOrder(ctx context.Context, h *updateHistory) (partResult, error) {
	if err := b.endInitial(ctx, "bench"); err != nil {
		return partResult{}, err
	}
	return b.measureUpdates(ctx, partResult{name: "updates, one statement", goal: updatesGoal}, h, func(i int) int { return i % b.Rows })
}

// measureAtRandom measures updates of rows all over the table, each on a page of its own.
func (b *benchSite) measureAtRandom(ctx context.Context, h *updateHistory) (partResult, error) {
	return b.measureUpdates(ctx, partResult{name: "updates at random keys"}, h, func(i int) int { return scatteredRow(i, b.Rows) })
}

// scatteredRow returns the ith of a sequence of rows that visits every row once in each round, all
// over the table.
func scatteredRow(i, rows int) int {
	// The step is a prime, which has no common divisor with a number of rows that is not a multiple
	// of it.
	const step = 7_919
	return i * step % rows
}

// measureUpdates measures updates of the rows in the order of order.
func (b *benchSite) measureUpdates(ctx context.Context, r partResult, h *updateHistory, order func(i int) int) (partResult, error) {
	err := b.feed.writeChanges(ctx, b.shared.generator.instanceTable(firstPrefix), b.Updates, func(i int) eventgen.Change {
		b.feed.lsn += 8
		row := order(i)
		h.updated[row]++
		return eventgen.Change{Op: 'u', Row: b.shared.generator.instanceRow(row, h.updated[row]), Time: time.Now(), LSN: b.feed.lsn}
	})
	if err != nil {
		return r, err
	}
	if r.use, err = b.readUse(ctx); err != nil {
		return r, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return r, err
	}
	from := h.records
	h.records += b.Updates
	return b.finishResult(ctx, r, eventSpan{firstPrefix, from, h.records, b.Updates})
}

// measureIdentical measures a resynchronization in which nothing has changed.
func (b *benchSite) measureIdentical(ctx context.Context, h *updateHistory) (r partResult, err error) {
	row := func(i int) []any { return b.shared.generator.instanceRow(i, h.updated[i]) }
	if err := b.feed.writeSnapshot(ctx, b.Rows, row, b.shared.generator.instanceTable(secondPrefix)); err != nil {
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
	if r.use, err = b.readUse(ctx); err != nil {
		return r, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return r, err
	}
	r.name, r.goal = "identical rows in a resync", identicalGoal
	return b.finishResult(ctx, r, eventSpan{secondPrefix, 0, b.Rows, b.Rows})
}
