package bench

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/testkit/eventgen"
)

// parallelTables is the number of tables in the stream of several partitions.
const parallelTables = 8

// measurePartitioned measures eight tables with several partitions in each topic: a snapshot, and updates
// of the tables in turn.
func (b *benchSite) measurePartitioned(ctx context.Context) error {
	rows, updates := max(b.Rows/16, 1), max(b.Updates/10, 1)
	tables := make([]eventgen.Table, parallelTables)
	for i := range tables {
		tables[i] = b.instanceNamed(firstPrefix, i)
	}
	if err := b.feed.writeSnapshot(ctx, rows, func(n int) []any { return b.shared.generator.instanceRow(n, 0) }, tables...); err != nil {
		return err
	}
	before, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d tables of %d partitions", parallelTables, b.part.partitions)
	r := partResult{name: what + ", snapshot", goal: snapshotGoal}
	if r.use, err = b.readUse(ctx); err != nil {
		return err
	}
	if err := b.startSource(ctx, "bench", firstPrefix); err != nil {
		return err
	}
	all := parallelTables * rows
	if r, err = b.finishResult(ctx, r, eventSpan{firstPrefix, 0, all, all}); err != nil {
		return err
	}
	middle, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	r.yardstick = rateBetween(before, middle)
	b.addResult(r)
	if err := b.endInitial(ctx, "bench"); err != nil {
		return err
	}
	err = b.feed.writeInTurn(ctx, tables, updates*parallelTables, func(i int) eventgen.Change {
		b.feed.lsn += 8
		n := i / parallelTables
		return eventgen.Change{Op: 'u', Row: b.shared.generator.instanceRow(n%rows, 1+n/rows), Time: time.Now(), LSN: b.feed.lsn}
	})
	if err != nil {
		return err
	}
	r = partResult{name: what + ", updates", goal: updatesGoal}
	if r.use, err = b.readUse(ctx); err != nil {
		return err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	if r, err = b.finishResult(ctx, r, eventSpan{firstPrefix, all, all + updates*parallelTables, updates * parallelTables}); err != nil {
		return err
	}
	after, err := b.measureYardstick(ctx)
	if err != nil {
		return err
	}
	r.yardstick = rateBetween(middle, after)
	b.addResult(r)
	return b.verifyAll(
		ctx,
		queryCheck{"current rows", "SELECT count(*) FROM inventory.instance_7", rows},
		queryCheck{"versions", "SELECT count(*) FROM inventory.instance_7__", rows + updates},
	)
}

// instanceNamed returns the streamed table under a name with a number.
func (b *benchSite) instanceNamed(prefix string, number int) eventgen.Table {
	table := b.shared.generator.instanceTable(prefix)
	table.Name = fmt.Sprintf("%s_%d", table.Name, number)
	return table
}
