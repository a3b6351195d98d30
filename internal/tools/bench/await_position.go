package bench

import (
	"context"
	"fmt"
	"time"
)

// pollInterval is the interval of reads of the stored position.
const pollInterval = 10 * time.Millisecond

// eventSpan identifies the records of a phase: those from from to end of all records in the topics of a
// prefix, which contain changes changes. Tombstones are records, but not changes.
type eventSpan struct {
	prefix             string
	from, end, changes int
}

// finishResult waits until the stored position is at the span's end, stops the server, and completes a
// result that has the earlier use. It measures the time from the first to the last batch that it
// sees committed, which leaves out the start of the server.
func (b *benchSite) finishResult(ctx context.Context, r partResult, s eventSpan) (partResult, error) {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	first, began, err := b.awaitPosition(ctx, s.prefix, s.from+1)
	if err != nil {
		return r, err
	}
	r.rows = (s.end - first) * s.changes / (s.end - s.from)
	_, ended, err := b.awaitPosition(ctx, s.prefix, s.end)
	if err != nil {
		return r, err
	}
	r.took = ended.Sub(began)
	now, err := b.readUse(ctx)
	if err != nil {
		return r, err
	}
	r.use, r.applied = now.usedSince(r.use), s.changes
	b.printLine("%s: %.1f s", r.name, r.took.Seconds())
	return r, b.metadb.Stop(ctx)
}

// awaitPosition waits until the stored position is at least least, and returns it with the time of
// the read.
func (b *benchSite) awaitPosition(ctx context.Context, prefix string, least int) (int, time.Time, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		next, err := b.appliedRecords(ctx, prefix)
		if err != nil {
			return 0, time.Time{}, err
		}
		if next >= least {
			return next, time.Now(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, time.Time{}, fmt.Errorf("%d of %d records have been applied: %w", next, least, ctx.Err())
		}
	}
}

// appliedRecords returns the number of applied records of a consumer group.
func (b *benchSite) appliedRecords(ctx context.Context, group string) (next int, err error) {
	const question = `SELECT coalesce(sum(next_offset), 0) FROM metadb.stream_position WHERE consumer_group = $1`
	err = b.db.QueryRow(ctx, question, group).Scan(&next)
	return next, err
}

// verifyAll checks with queries that the measured events have been applied, and that no event was
// rejected.
func (b *benchSite) verifyAll(ctx context.Context, checks ...queryCheck) error {
	checks = append(checks, queryCheck{"rejected events", "SELECT count(*) FROM metadb.rejected_event", 0})
	for _, c := range checks {
		var got int
		if err := b.db.QueryRow(ctx, c.sql).Scan(&got); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		if got != c.want {
			return fmt.Errorf("%d %s, want %d", got, c.what, c.want)
		}
	}
	return nil
}

// queryCheck is a query for a number, and the expected result.
type queryCheck struct {
	what, sql string
	want      int
}
