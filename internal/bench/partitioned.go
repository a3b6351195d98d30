package bench

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/eventgen"
)

// sideBySide is the number of tables in the stream of several partitions.
const sideBySide = 8

// partitioned measures eight tables with several partitions in each topic: a snapshot, and updates
// of the tables in turn.
func (b *bench) partitioned(ctx context.Context) error {
	rows, updates := max(b.Rows/16, 1), max(b.Updates/10, 1)
	tables := make([]eventgen.Table, sideBySide)
	for i := range tables {
		tables[i] = b.instanceNamed(firstPrefix, i)
	}
	if err := b.feed.snapshot(ctx, rows, func(n int) []any { return b.shared.generator.row(n, 0) }, tables...); err != nil {
		return err
	}
	before, err := b.yardstick(ctx)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d tables of %d partitions", sideBySide, b.part.partitions)
	r := result{name: what + ", snapshot", goal: snapshotGoal}
	if r.use, err = b.used(ctx); err != nil {
		return err
	}
	if err := b.source(ctx, "bench", firstPrefix); err != nil {
		return err
	}
	all := sideBySide * rows
	if r, err = b.finish(ctx, r, span{firstPrefix, 0, all, all}); err != nil {
		return err
	}
	middle, err := b.yardstick(ctx)
	if err != nil {
		return err
	}
	r.yardstick = between(before, middle)
	b.rate(r)
	if err := b.endInitial(ctx, "bench"); err != nil {
		return err
	}
	err = b.feed.inTurn(ctx, tables, updates*sideBySide, func(i int) eventgen.Change {
		b.feed.lsn += 8
		n := i / sideBySide
		return eventgen.Change{Op: 'u', Row: b.shared.generator.row(n%rows, 1+n/rows), Time: time.Now(), LSN: b.feed.lsn}
	})
	if err != nil {
		return err
	}
	r = result{name: what + ", updates", goal: updatesGoal}
	if r.use, err = b.used(ctx); err != nil {
		return err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	if r, err = b.finish(ctx, r, span{firstPrefix, all, all + updates*sideBySide, updates * sideBySide}); err != nil {
		return err
	}
	after, err := b.yardstick(ctx)
	if err != nil {
		return err
	}
	r.yardstick = between(middle, after)
	b.rate(r)
	return b.verify(
		ctx,
		check{"current rows", "SELECT count(*) FROM inventory.instance_7", rows},
		check{"versions", "SELECT count(*) FROM inventory.instance_7__", rows + updates},
	)
}

// instanceNamed returns the streamed table under a name with a number.
func (b *bench) instanceNamed(prefix string, number int) eventgen.Table {
	table := b.shared.generator.instance(prefix)
	table.Name = fmt.Sprintf("%s_%d", table.Name, number)
	return table
}
