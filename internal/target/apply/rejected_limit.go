package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/gap"
)

// RejectedLimit bounds what is set aside of a data source: how many events, and how many
// bytes their keys and values have.
type RejectedLimit struct{ Events, Bytes int64 }

const (
	// maxRefusedStored is how many events of a refused table are stored. Further ones are
	// counted: they would be a whole stream, for one wrong option.
	maxRefusedStored = 1000
	// usageInterval is for how long what is set aside need not be counted again.
	usageInterval = 5 * time.Second
)

// rejectedUsage is what is set aside of a source.
type rejectedUsage struct {
	events, bytes int64
	// refused counts the events of tables that are refused.
	refused map[change.Table]int64
	// limit and counted are what was allowed when it was counted, and when that was.
	limit   RejectedLimit
	counted time.Time
}

// LimitReachedError says that so much of a source is set aside that its stream stops.
type LimitReachedError struct {
	Source        string
	Limit         RejectedLimit
	Events, Bytes int64
}

func (e *LimitReachedError) Error() string {
	return fmt.Sprintf("%s with %d MB would be set aside, more than rejected_limit allows (%s, %d MB): the stream stops until they are retried or purged, or the limit is raised",
		change.Plural(e.Events, "event", "events"), e.Bytes>>20, change.Plural(e.Limit.Events, "event", "events"), e.Limit.Bytes>>20)
}

// RefusedError says that a table is refused, that enough of its events are set aside, and
// that its source has no other table: it stops at its position instead of losing its stream.
type RefusedError struct {
	Name   change.Table
	Reason string
}

func (e *RefusedError) Error() string {
	return e.Reason + "; no other table of the data source could be applied so far"
}

// Table returns the table.
func (e *RefusedError) Table() change.Table { return e.Name }

// IsTableOnly says that the error concerns the table alone.
func (e *RefusedError) IsTableOnly() bool { return true }

// Refused lets callers that don't know this package tell the error from others.
func (e *RefusedError) Refused() bool { return true }

// enforceRejectedLimit holds what the batch sets aside against the limits: events of refused
// tables are counted once enough of them are stored.
func (r *batchTx) enforceRejectedLimit(ctx context.Context) error {
	if len(r.rejectedEvents) == 0 {
		return nil
	}
	if err := r.countRejected(ctx, false); err != nil {
		return err
	}
	if slices.ContainsFunc(r.rejectedEvents, func(rej rejectedEvent) bool { return rej.kind == change.NoTable }) {
		if err := r.dropRefused(r.snapshotWithChanges()); err != nil {
			return err
		}
	}
	for _, missing := range r.outcome.Missing {
		if err := gap.Add(ctx, r.tx, r.batch.Source, missing); err != nil {
			return err
		}
	}
	events, bytes := rejectedSize(r.rejectedEvents)
	if r.usage.exceedsLimit(events, bytes) { // what was counted a while ago may have been purged
		if err := r.countRejected(ctx, true); err != nil {
			return err
		}
	}
	if r.usage.exceedsLimit(events, bytes) {
		return &LimitReachedError{Source: r.batch.Source, Limit: r.usage.limit, Events: r.usage.events + events, Bytes: r.usage.bytes + bytes}
	}
	r.usage.events += events
	r.usage.bytes += bytes
	return nil
}

// exceedsLimit reports whether more events, with so many bytes, would pass the limit.
func (u *rejectedUsage) exceedsLimit(events, bytes int64) bool {
	return u.limit.Events > 0 && u.events+events > u.limit.Events || u.limit.Bytes > 0 && u.bytes+bytes > u.limit.Bytes
}

// rejectedSize returns how many events are set aside and the bytes that they take.
func rejectedSize(rejects []rejectedEvent) (events, bytes int64) {
	for i := range rejects {
		record := &rejects[i].event.Record
		bytes += int64(len(record.Key) + len(record.Head) + len(record.Tail))
	}
	return int64(len(rejects)), bytes
}

// hasOwnTable reports whether a source has a table of its own.
func hasOwnTable(tables *catalog.Snapshot, source string) bool {
	for t := range tables.All() {
		if t.Source == source && !t.IsTransformed() {
			return true
		}
	}
	return false
}

// isOfRefusedTable reports whether an event of a source is set aside because its table is
// refused as a whole: its name is taken or reserved, or another table feeds it.
func (rej *rejectedEvent) isOfRefusedTable(tables *catalog.Snapshot, source string) bool {
	if rej.kind != change.NoTable {
		return false
	}
	t := tables.Table(rej.event.Table)
	return t == nil || t.Source != source || t.Feeds[rej.event.Origin] != rej.event.Source
}

// countRejected counts what is set aside of the source, unless that is known well enough.
func (r *batchTx) countRejected(ctx context.Context, again bool) error {
	if !again && r.usage != nil && time.Since(r.usage.counted) < usageInterval {
		return nil
	}
	const sql = `
		SELECT coalesce(schema_name, ''), coalesce(table_name, ''), count(*), count(*) FILTER (WHERE kind = $2),
				coalesce(sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)), 0)::bigint
			FROM metadb.rejected_event WHERE source_name = $1 GROUP BY 1, 2`
	rows, err := r.tx.Query(ctx, sql, r.batch.Source, change.NoTable.String())
	if err != nil {
		return fmt.Errorf("count rejected events: %w", err)
	}
	usage := &rejectedUsage{refused: make(map[change.Table]int64), counted: time.Now()}
	var table change.Table
	var events, refused, bytes int64
	_, err = pgx.ForEachRow(rows, []any{&table.Schema, &table.Name, &events, &refused, &bytes}, func() error {
		usage.events += events
		usage.bytes += bytes
		usage.refused[table] = refused
		return nil
	})
	if err != nil {
		return fmt.Errorf("count rejected events: %w", err)
	}
	if r.config.RejectedLimit != nil {
		if usage.limit, err = r.config.RejectedLimit(ctx); err != nil {
			return fmt.Errorf("read rejected_limit: %w", err)
		}
	}
	r.usage = usage
	return nil
}

// dropRefused takes events of refused tables out of what is stored where enough of
// their table are, and counts them as missing. Where the source has no other table it is
// an error instead: it would lose its whole stream.
func (r *batchTx) dropRefused(tables *catalog.Snapshot) error {
	passed := make(map[change.Position]bool)
	stored := r.rejectedEvents[:0]
	for _, rej := range r.rejectedEvents {
		if !rej.isOfRefusedTable(tables, r.batch.Source) {
			stored = append(stored, rej)
			continue
		}
		if r.usage.refused[rej.event.Table]++; r.usage.refused[rej.event.Table] <= maxRefusedStored {
			stored = append(stored, rej)
			continue
		}
		if len(passed) == 0 && !hasOwnTable(tables, r.batch.Source) {
			return &RefusedError{Name: rej.event.Table, Reason: rej.reason}
		}
		passed[rej.event.Position] = true
		r.countMissing(&rej)
	}
	r.rejectedEvents = stored
	r.outcome.Rejected -= len(passed)
	r.outcome.ByReason[change.NoTable] -= len(passed)
	r.outcome.Rejections = slices.DeleteFunc(r.outcome.Rejections, func(told change.Rejection) bool { return passed[told.Position] })
	return nil
}

// countMissing adds an event to what is missing of its partition.
func (r *batchTx) countMissing(rej *rejectedEvent) {
	part := rej.event.Position.Partition
	at := slices.IndexFunc(r.outcome.Missing, func(g change.Gap) bool { return g.Partition == part })
	if at < 0 {
		at = len(r.outcome.Missing)
		r.outcome.Missing = append(r.outcome.Missing, change.Gap{
			Partition: part,
			Reason:    fmt.Sprintf("%s: of what follows its first %d events nothing is stored", rej.reason, maxRefusedStored),
			Tables:    []change.Table{rej.event.Table},
		})
	}
	r.outcome.Missing[at].Missing++
}
