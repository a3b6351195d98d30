package bench

import (
	"context"
	"fmt"
	"time"
)

// The least ratios to the raw COPY, on two cores with PostgreSQL's defaults.
const (
	snapshotGoal  = 0.35
	updatesGoal   = 0.2
	identicalGoal = 0.4
)

// The two generations of topics.
const firstPrefix, secondPrefix = "bench_1", "bench_2"

// measure goes through the phases. Events are written while no server reads
// them, so that producing them costs none of the time measured.
func (b *bench) measure(ctx context.Context) (results []result, err error) {
	if b.Only != Mappings {
		if results, err = b.tables(ctx); err != nil {
			return nil, err
		}
	}
	if b.Only == Tables {
		return results, nil
	}
	mapped, err := b.documents(ctx)
	return append(results, mapped...), err
}

// tables measures the table of many columns.
func (b *bench) tables(ctx context.Context) ([]result, error) {
	b.say("making %d rows", b.Rows)
	raw, err := newRaw(instance("raw"), b.Rows, func(i int) []any { return b.feed.generator.row(i, 0) })
	if err != nil {
		return nil, err
	}
	b.say("rows of %d bytes, events of %d bytes", raw.row, raw.event)
	// The yardstick is taken before each phase, for the machine is not equally
	// busy all the time.
	results := []result{{name: "raw COPY, plain table"}}
	for _, phase := range []func(context.Context) (result, error){b.snapshot, b.updatesInOrder, b.updatesAtRandom, b.identical} {
		took, err := raw.copy(ctx, b.metadb.Database())
		if err != nil {
			return nil, err
		}
		b.say("raw COPY: %.1f s", took.Seconds())
		results[0].rows += b.Rows
		results[0].took += took
		result, err := phase(ctx)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
		b.say("%s: %.1f s", result.name, result.took.Seconds())
	}
	return results, b.verify(ctx)
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.Out, format+"\n", args...) }

// snapshot measures an initial snapshot.
func (b *bench) snapshot(ctx context.Context) (result, error) {
	if err := b.feed.snapshot(ctx, firstPrefix, b.Rows, func(int) int { return 0 }); err != nil {
		return result{}, err
	}
	b.updated, b.streamed = make([]int, b.Rows), b.Rows
	before, err := b.cpu()
	if err != nil {
		return result{}, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return result{}, err
	}
	err = b.metadb.Exec(ctx, `create data source bench type kafka options (brokers '`+b.address+`', security 'plaintext',
		topics '^`+firstPrefix+`\.', consumer_group '`+firstPrefix+`')`)
	if err != nil {
		return result{}, err
	}
	return b.finish(ctx, result{name: "snapshot", goal: snapshotGoal, cpu: before}, firstPrefix, 0, b.streamed)
}

// updatesInOrder measures updates as one large statement at the source makes them.
func (b *bench) updatesInOrder(ctx context.Context) (result, error) {
	if _, err := b.metadb.Run(ctx, "endsync", "-D", "data", "--source", "bench", "--force"); err != nil {
		return result{}, err
	}
	return b.update(ctx, result{name: "updates, one statement", goal: updatesGoal}, func(i int) int { return i % b.Rows })
}

// updatesAtRandom measures updates of rows all over the table: each is on a page
// of its own.
func (b *bench) updatesAtRandom(ctx context.Context) (result, error) {
	// A step without a common divisor visits every row once in each round.
	const step = 7_919
	return b.update(ctx, result{name: "updates at random keys"}, func(i int) int { return i * step % b.Rows })
}

// update measures updates of the rows that order names, one after the other.
func (b *bench) update(ctx context.Context, r result, order func(i int) int) (result, error) {
	err := b.feed.updates(ctx, firstPrefix, b.Updates, func(i int) (row, updates int) {
		row = order(i)
		b.updated[row]++
		return row, b.updated[row]
	})
	if err != nil {
		return r, err
	}
	if r.cpu, err = b.cpu(); err != nil {
		return r, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return r, err
	}
	from := b.streamed
	b.streamed += b.Updates
	return b.finish(ctx, r, firstPrefix, from, b.streamed)
}

// identical measures a resynchronization in which nothing has changed.
func (b *bench) identical(ctx context.Context) (result, error) {
	if err := b.feed.snapshot(ctx, secondPrefix, b.Rows, func(row int) int { return b.updated[row] }); err != nil {
		return result{}, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return result{}, err
	}
	err := b.metadb.Exec(ctx, `alter data source bench options (set topics '^`+secondPrefix+`\.', set consumer_group '`+secondPrefix+`')`)
	if err != nil {
		return result{}, err
	}
	if err := b.metadb.Stop(ctx); err != nil {
		return result{}, err
	}
	if _, err := b.metadb.Run(ctx, "sync", "-D", "data", "--source", "bench", "--force"); err != nil {
		return result{}, err
	}
	before, err := b.cpu()
	if err != nil {
		return result{}, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return result{}, err
	}
	return b.finish(ctx, result{name: "identical rows in a resync", goal: identicalGoal, cpu: before}, secondPrefix, 0, b.Rows)
}

// pollInterval is how often the stored position is looked at.
const pollInterval = 10 * time.Millisecond

// finish waits until the stored position is at end, and stops the server. The
// result comes with what had been used of the processor before. What is measured
// is the time between the first batch that is seen to be committed and the last:
// how fast a server starts is another question.
func (b *bench) finish(ctx context.Context, r result, prefix string, from, end int) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	first, began, err := b.awaitPosition(ctx, prefix, from+1)
	if err != nil {
		return r, err
	}
	r.rows = end - first
	_, ended, err := b.awaitPosition(ctx, prefix, end)
	if err != nil {
		return r, err
	}
	r.took = ended.Sub(began)
	now, err := b.cpu()
	if err != nil {
		return r, err
	}
	r.cpu, r.applied = now.minus(r.cpu), end-from
	if r.memory, err = b.metadb.PeakMemory(); err != nil {
		return r, err
	}
	return r, b.metadb.Stop(ctx)
}

// awaitPosition waits until the stored position is at least so high, and returns
// it with the time at which it was seen.
func (b *bench) awaitPosition(ctx context.Context, prefix string, least int) (int, time.Time, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		var next int
		const question = `SELECT coalesce(sum(next_offset), 0) FROM metadb.stream_position WHERE consumer_group = $1`
		if err := b.db.QueryRow(ctx, question, prefix).Scan(&next); err != nil {
			return 0, time.Time{}, err
		}
		if next >= least {
			return next, time.Now(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, time.Time{}, fmt.Errorf("%d of %d events have been applied: %w", next, least, ctx.Err())
		}
	}
}

// verify makes sure that what was measured is what happened.
func (b *bench) verify(ctx context.Context) error {
	for _, check := range []struct {
		what, sql string
		want      int
	}{
		{"current rows", "SELECT count(*) FROM inventory.instance", b.Rows},
		{"versions", "SELECT count(*) FROM inventory.instance__", b.streamed},
		{"confirmed rows", "SELECT count(DISTINCT __id) FROM inventory.zzz___instance___sync", b.Rows},
		{"rejected events", "SELECT count(*) FROM metadb.rejected_event", 0},
	} {
		var got int
		if err := b.db.QueryRow(ctx, check.sql).Scan(&got); err != nil {
			return fmt.Errorf("%s: %w", check.what, err)
		}
		if got != check.want {
			return fmt.Errorf("%d %s, want %d", got, check.what, check.want)
		}
	}
	return nil
}
