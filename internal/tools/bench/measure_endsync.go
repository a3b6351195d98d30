package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// endsyncGoal is the highest duration of endsync, in durations of one count(*) with an anti-join.
const endsyncGoal = 3.0

// measureEndsync measures the end of a resynchronization in which a tenth of the rows is gone, with the
// server running, against one count of these rows.
func (b *benchSite) measureEndsync(ctx context.Context) error {
	const gone = "DELETE FROM inventory.zzz___instance___sync WHERE __id IN (SELECT __id FROM inventory.instance WHERE id % 10 = 3)"
	if _, err := b.db.Exec(ctx, gone); err != nil {
		return fmt.Errorf("forget confirmed rows: %w", err)
	}
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	alone, _, err := b.countUnconfirmed(ctx, 0)
	if err != nil {
		return err
	}
	count, rows, err := b.countUnconfirmed(ctx, parallelWorkers)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.metadb.Exec(ctx, "endsync data source bench with (force_unconfirmed)"); err != nil {
		return err
	}
	took := time.Since(began)
	if err := b.metadb.Stop(ctx); err != nil {
		return err
	}
	ratio := took.Seconds() / count.Seconds()
	b.printLine("endsync of %d rows, %d of them gone: %.2f s, %.1f times one count(*) with an anti-join (%.2f s)",
		b.Rows, rows, took.Seconds(), ratio, count.Seconds())
	b.printLine("The count is PostgreSQL's by %d processes; nothing that writes is. By one it takes %.2f s: %.1f times.",
		parallelWorkers+1, alone.Seconds(), took.Seconds()/alone.Seconds())
	var ended int
	const question = `SELECT count(*) FROM inventory.instance__ h WHERE NOT __current AND id % 10 = 3 AND __end = (SELECT max(__end) FROM inventory.instance__ WHERE NOT __current)
		AND NOT EXISTS (SELECT FROM inventory.instance c WHERE c.id = h.id)`
	if err := b.db.QueryRow(ctx, question).Scan(&ended); err != nil {
		return fmt.Errorf("count ended rows: %w", err)
	}
	if ended != rows {
		return fmt.Errorf("%d rows have ended, want %d", ended, rows)
	}
	b.addFigure(goalFigure{name: "endsync, a tenth of the rows gone", value: ratio, unit: "times a count", goal: endsyncGoal, atMost: true})
	return nil
}

// parallelWorkers is PostgreSQL's default.
// https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-MAX-PARALLEL-WORKERS-PER-GATHER
const parallelWorkers = 2

// countUnconfirmed counts the rows that are not confirmed, with so many parallel workers, and measures the
// second of two counts, so that the tables are in memory as they are for endsync.
func (b *benchSite) countUnconfirmed(ctx context.Context, workers int) (took time.Duration, rows int, err error) {
	if _, err := b.db.Exec(ctx, "SELECT set_config('max_parallel_workers_per_gather', $1, false)", strconv.Itoa(workers)); err != nil {
		return 0, 0, fmt.Errorf("set the number of processes: %w", err)
	}
	const count = "SELECT count(*) FROM inventory.instance c WHERE NOT EXISTS (SELECT FROM inventory.zzz___instance___sync s WHERE s.__id = c.__id)"
	for range 2 {
		began := time.Now()
		if err := b.db.QueryRow(ctx, count).Scan(&rows); err != nil {
			return 0, 0, fmt.Errorf("count unconfirmed rows: %w", err)
		}
		took = time.Since(began)
	}
	return took, rows, nil
}
