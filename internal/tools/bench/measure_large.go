package bench

import (
	"context"
	"fmt"
	"time"
)

// largeShare is the least rate of the large table, as a share of the small table's.
const largeShare = 0.5

// measureLarge measures updates at random keys of a table of b.Large rows, after the same of one of
// b.Rows. PostgreSQL fills the large table with copies of the streamed rows, since the broker,
// which keeps records in memory, has no room for so many.
func (b *benchSite) measureLarge(ctx context.Context) error {
	began := time.Now()
	h := &updateHistory{updated: make([]int, b.Large)}
	if _, err := b.measureSnapshot(ctx, h); err != nil {
		return err
	}
	if err := b.endInitial(ctx, "bench"); err != nil {
		return err
	}
	small, err := b.measureUpdates(ctx, partResult{name: fmt.Sprintf("updates at random keys of %d rows", b.Rows)}, h, func(i int) int { return scatteredRow(i, b.Rows) })
	if err != nil {
		return err
	}
	b.addResult(small)
	if err := b.fillTable(ctx); err != nil {
		return err
	}
	large, err := b.measureUpdates(ctx, partResult{name: fmt.Sprintf("updates at random keys of %d rows", b.Large)}, h, func(i int) int { return scatteredRow(i, b.Large) })
	if err != nil {
		return err
	}
	b.addResult(large)
	b.addFigure(goalFigure{name: "updates of the large table to the small one's", value: large.rowsPerSecond() / small.rowsPerSecond(), unit: "of its rate", goal: largeShare})
	var current, past int64
	const size = `SELECT pg_total_relation_size('inventory.instance') / $1::bigint,
		(SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('inventory.instance__') WHERE relid <> 'inventory.instance'::regclass)::bigint / $2::bigint`
	if err := b.db.QueryRow(ctx, size, b.Large, 2*b.Updates).Scan(&current, &past); err != nil {
		return fmt.Errorf("measure the table: %w", err)
	}
	b.addFigure(goalFigure{name: "bytes of disk a current row", value: float64(current), unit: "B"})
	b.addFigure(goalFigure{name: "bytes of disk a row of history", value: float64(past), unit: "B"})
	b.printLine("the large table took %.0f minutes", time.Since(began).Minutes())
	return b.verifyAll(ctx, queryCheck{"current rows", "SELECT count(*) FROM inventory.instance", b.Large})
}

// fillTable copies the table's rows under further ids until the table has b.Large rows.
func (b *benchSite) fillTable(ctx context.Context) error {
	began := time.Now()
	const others = `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'inventory.instance__'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', '__id')`
	var columns string
	if err := b.db.QueryRow(ctx, others).Scan(&columns); err != nil {
		return fmt.Errorf("fill the table: %w", err)
	}
	copies := "INSERT INTO inventory.instance__ (id, " + columns + ") SELECT id + $1, " + columns + " FROM inventory.instance WHERE id < $2"
	for from := b.Rows; from < b.Large; from += b.Rows {
		if _, err := b.db.Exec(ctx, copies, from, min(b.Rows, b.Large-from)); err != nil {
			return fmt.Errorf("fill the table: %w", err)
		}
	}
	for _, statement := range []string{"VACUUM ANALYZE inventory.instance__", "CHECKPOINT"} {
		if _, err := b.db.Exec(ctx, statement); err != nil {
			return fmt.Errorf("fill the table: %w", err)
		}
	}
	b.printLine("filled with %d rows: %.0f s", b.Large, time.Since(began).Seconds())
	return nil
}
