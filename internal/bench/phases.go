package bench

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/rig"
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
func (b *bench) measure(ctx context.Context) ([]result, error) {
	b.say("making %d rows", b.Rows)
	raw, err := newRaw(b.feed.generator, b.Rows)
	if err != nil {
		return nil, err
	}
	b.say("rows of %d bytes, events of %d bytes", raw.row, raw.event)
	// The yardstick is taken before each phase, for the machine is not equally
	// busy all the time.
	results := []result{{name: "raw COPY, plain table"}}
	for _, phase := range []func(context.Context) (result, error){b.snapshot, b.updates, b.identical} {
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

// snapshot measures an initial snapshot, from the creation of the data source.
func (b *bench) snapshot(ctx context.Context) (result, error) {
	if err := b.feed.snapshot(ctx, firstPrefix, b.Rows, func(int) int { return 0 }); err != nil {
		return result{}, err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return result{}, err
	}
	began := time.Now()
	err := b.metadb.Exec(ctx, `create data source bench type kafka options (brokers '`+b.address+`', security 'plaintext',
		topics '^`+firstPrefix+`\.', consumer_group '`+firstPrefix+`')`)
	if err != nil {
		return result{}, err
	}
	return b.finish(ctx, result{name: "snapshot", rows: b.Rows, goal: snapshotGoal}, began, b.Rows)
}

// updates measures updates of rows all over the table, from the server's start.
func (b *bench) updates(ctx context.Context) (result, error) {
	if _, err := b.metadb.Run(ctx, "endsync", "-D", "data", "--source", "bench", "--force"); err != nil {
		return result{}, err
	}
	if err := b.feed.updates(ctx, firstPrefix, b.Updates, b.updated); err != nil {
		return result{}, err
	}
	began := time.Now()
	if err := b.metadb.Start(ctx); err != nil {
		return result{}, err
	}
	return b.finish(ctx, result{name: "updates", rows: b.Updates, goal: updatesGoal}, began, b.Rows+b.Updates)
}

// updated says which row update number i changes, and how often it has been
// updated then.
func (b *bench) updated(i int) (row, updates int) {
	// A step without a common divisor visits every row once in each round.
	const step = 7_919
	return i * step % b.Rows, i/b.Rows + 1
}

// identical measures a resynchronization in which nothing has changed.
func (b *bench) identical(ctx context.Context) (result, error) {
	updates := make([]int, b.Rows)
	for i := range b.Updates {
		row, n := b.updated(i)
		updates[row] = n
	}
	if err := b.feed.snapshot(ctx, secondPrefix, b.Rows, func(row int) int { return updates[row] }); err != nil {
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
	began := time.Now()
	if err := b.metadb.Start(ctx); err != nil {
		return result{}, err
	}
	return b.finish(ctx, result{name: "identical rows in a resync", rows: b.Rows, goal: identicalGoal}, began, b.Rows)
}

// finish waits until the stored position is at end, and stops the server.
func (b *bench) finish(ctx context.Context, r result, began time.Time, end int) (result, error) {
	prefix := firstPrefix
	if r.goal == identicalGoal {
		prefix = secondPrefix
	}
	err := rig.Eventually(ctx, limit, r.name, func() error {
		var next int
		const question = `SELECT coalesce(sum(next_offset), 0) FROM metadb.stream_position WHERE consumer_group = $1`
		if err := b.db.QueryRow(ctx, question, prefix).Scan(&next); err != nil {
			return err
		}
		if next < end {
			return fmt.Errorf("%d of %d events have been applied", next, end)
		}
		return nil
	})
	r.took = time.Since(began)
	if err != nil {
		return r, err
	}
	if r.memory, err = b.metadb.PeakMemory(); err != nil {
		return r, err
	}
	return r, b.metadb.Stop(ctx)
}

// verify makes sure that what was measured is what happened.
func (b *bench) verify(ctx context.Context) error {
	for _, check := range []struct {
		what, sql string
		want      int
	}{
		{"current rows", "SELECT count(*) FROM inventory.instance", b.Rows},
		{"versions", "SELECT count(*) FROM inventory.instance__", b.Rows + b.Updates},
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
